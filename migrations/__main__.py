"""`python -m migrations`: bring the configured database to the newest schema."""

import settings
from migrations import upgrade

upgrade(settings.load().state_database_url)
