"""Tables and cohorts: files become immutable tables, a recipe joins and filters them, its result is named by content.

    catalogue = Catalogue(directory, store)              # tables.py: tables(), table(name), refused()
    engine = Engine([store, results], temp, ...)         # engine.py: DuckDB, one per process, shut in
    cohorts = Cohorts(engine, catalogue, results, ...)   # cohort.py

    keys = propose(tables)                               # keys.py: Keys(subject, session)
    key_report(engine, tables, subject, session)         # keys.py: list[TableKeys]
    recipe = cohorts.recipe(document)                    # checked against the tables; raises Invalid
    cohorts.count(recipe)                                # Count(participants, rows, steps)
    result = cohorts.merge(recipe)                       # Result(result_id, rows, participants, columns)
    cohorts.rows(result, offset, limit, sort, filters)   # Rows(rows, total)
    cohorts.export_csv(result)                           # pieces of bytes
    cohorts.stale(recipe, hashes), cohorts.input_hashes(recipe), cohorts.result(result_id), cohorts.sweep(bytes)

`recipe.to_dict()` is what is kept as state; `Count.to_dict()` is the answer of the API. A result id opens the result
for whoever holds it, so it never comes from a browser: merge the user's own recipe again, which finds the kept result.
"""
