"""The Lua of the Redis backend: one script per verb. `KEYS` share one hash tag; times are Redis' own, in ms."""

PRELUDE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function live(head)
  local h = redis.call('HMGET', head, 't', 'e')
  if h[1] and tonumber(h[2]) > now then return h[1] end
  return false
end
"""
HEADS = (
    PRELUDE
    + """
local out = {}
for i, key in ipairs(KEYS) do
  local h = redis.call('HMGET', key, 't', 'c', 'n', 'l', 'e')
  if h[1] then h[6] = tostring(now); out[i] = h else out[i] = false end
end
return out
"""
)
FETCH = (
    PRELUDE
    + """
local h = redis.call('HMGET', KEYS[1], 't', 'c', 'n', 'l', 'e', 'b')
if not h[1] or tonumber(h[5]) <= now then return false end
h[7] = tostring(now)
if not h[6] then h[6] = redis.call('GET', ARGV[1] .. h[1]) end
return h
"""
)
PUT = (
    PRELUDE
    + """
local tag, expected, bodies, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local current = live(KEYS[1])
if current and (current == tag or redis.call('HGET', KEYS[1], 'p') == tag) then return {1, current} end
if expected ~= '*' and expected ~= (current or '') then
  redis.call('UNLINK', bodies .. tag)
  return {0, current or ''}
end
local large = ARGV[8] == '1'
if large and redis.call('PEXPIRE', bodies .. tag, ttl) == 0 then return {-1, current or ''} end
local old = redis.call('HGET', KEYS[1], 't')
local head = {'t', tag, 'c', ARGV[5], 'n', ARGV[6], 'l', ARGV[4], 'e', string.format('%.0f', now + ttl)}
if current then head[11] = 'p'; head[12] = current end
if not large then head[#head + 1] = 'b'; head[#head + 1] = ARGV[9] end
redis.call('HSET', KEYS[1], unpack(head)) -- the first write: refused as a whole when memory is full
if large then redis.call('HDEL', KEYS[1], 'b') end
if not current then redis.call('HDEL', KEYS[1], 'p') end
if old then redis.call('UNLINK', bodies .. old) end
local keep = ttl + tonumber(ARGV[7])
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('SADD', KEYS[2], ARGV[10])
if redis.call('PTTL', KEYS[2]) < keep then redis.call('PEXPIRE', KEYS[2], keep) end
return {1, tag}
"""
)
TOUCH = (
    PRELUDE
    + """
if live(KEYS[1]) ~= ARGV[1] then return 0 end
local ttl = tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'l', ARGV[3], 'e', string.format('%.0f', now + ttl))
redis.call('PEXPIRE', ARGV[2] .. ARGV[1], ttl)
local keep = ttl + tonumber(ARGV[4])
redis.call('PEXPIRE', KEYS[1], keep)
if redis.call('PTTL', KEYS[2]) < keep then redis.call('PEXPIRE', KEYS[2], keep) end
return 1
"""
)
DELETE = (
    PRELUDE
    + """
local current = live(KEYS[1])
if ARGV[1] ~= '*' and ARGV[1] ~= (current or '') then return {0, current or ''} end
local old = redis.call('HGET', KEYS[1], 't')
if old then redis.call('UNLINK', ARGV[2] .. old) end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[3])
return {current and 1 or 0, ''}
"""
)
LIST = (
    PRELUDE
    + """
local out = {}
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local h = redis.call('HMGET', ARGV[1] .. member, 't', 'c', 'n', 'l', 'e')
  if not h[1] then redis.call('SREM', KEYS[1], member)
  elseif tonumber(h[5]) > now then h[6] = tostring(now); h[7] = member; out[#out + 1] = h end
end
return out
"""
)
PURGE = (
    PRELUDE
    + """
local gone = 0
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local head = ARGV[1] .. member
  if live(head) then gone = gone + 1 end
  local tag = redis.call('HGET', head, 't')
  if tag then redis.call('UNLINK', ARGV[2] .. tag) end
  redis.call('DEL', head)
end
redis.call('DEL', KEYS[1])
return gone
"""
)
