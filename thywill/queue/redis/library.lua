#!lua name=NAME

-- The operations of thywill/queue/shared/operations.py, as functions that Redis runs. Redis runs one function
-- at a time, so each is atomic. Python replaces NAME by a name that changes with this file, so that servers of
-- several versions work beside each other, each with its own library.
--
-- KEYS[1] is the prefix of the keys of one application, such as "thywill:{chat}:". The keys are:
--   log, last       the log; its last id, which stays when entries are deleted
--   inbox           the steps for the leader
--   client:ID       a client's row; each channel is a field "#name" with the id since when. As long as no field
--                   has more than 64 bytes, a row takes half of the memory; so the facts are in pieces f1, f2, …
--   leases          all clients, sorted by the end of their leases; +inf for a client that has ended
--   leader          the leader, the end of its lease, and its fence
--   cause:CLIENT:N  the ids of the messages that an unfinished step has sent
--   outside:SERVER  the ids of the last messages that a server has sent outside of steps
--   published:MARK  the id of a published message, and its digest
--   history:CHANNEL the history of a channel; ``histories`` has the bytes of each, and of all under the empty
--                   name; ``silent`` has the channels, sorted by the id of their last message
--   lowest          for each server the lowest id that one of its clients needs, and when the server said so
--   state           up to which id the log is deleted, and will be deleted next; how many entries and bytes were
--                   ever added to it; when leases were last expired; since which id nothing was lost
--   looks           how many entries and bytes had been added at each ``trim``, sorted by the last id then
--   discarded       the ids of messages that were deleted although older entries are still there
--   calls           for each server the number of its last call, and the time of that call (calls.py)
--   reason:ID       why a client has ended, for an hour after its row was deleted
--
-- One more kind of key, for all applications: "thywill:name:NAME" has the server that holds NAME (relay.py).
--
-- An answer begins with one of these numbers.

local OK, GONE, UNKNOWN, ROLLED_BACK, NOT_LEADER, GAP, CONFLICT, TOO_MANY, FAILED, REUSED =
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9

local EPOCH = 1577836800 -- as core/positions.py
local SECOND = 2097152
local CONNECTED, DISCONNECTED = 0, -1 -- as hub/step.py
local REASONS = 3600
local EXPIRE_GAP = 10
local OUTSIDE_AGE = 86400
local CAUSES_REMEMBERED = 1000
local DIGESTS = 10
local DIGEST = 6 -- characters; ten of them fit into the compact form of a hash, 64 bytes
local CALLS_AGE = 86400
local LEASE = 5 -- as shared/pace.py
-- JSON, like all reasons.
local LOST = '"the servers have lost messages, because Redis has an older state: connect again"'

-- Lua's own conversion to text loses digits of numbers above 10^14.
local function text(number)
  return string.format('%.0f', number)
end

local function texts(numbers)
  local found = {}
  for place, number in ipairs(numbers) do
    found[place] = text(number)
  end
  return found
end

local function time()
  local parts = redis.call('TIME')
  return tonumber(parts[1]) + tonumber(parts[2]) / 1000000
end

local function row_of(at, client)
  return at.base .. 'client:' .. client
end

local function next_id(at)
  local by_clock = math.max(math.floor(at.now) - EPOCH, 0) * SECOND
  at.last = math.max(by_clock, at.last + 1)
  return text(at.last)
end

local function log(at, ...)
  local id = next_id(at)
  redis.call('XADD', at.base .. 'log', id .. '-0', ...)
  at.logged = at.logged + 1
  return id
end

local function log_message(at, header, data)
  at.written = at.written + #data
  return log(at, 'm', header, 'd', data)
end

local function step(at, client, number, item)
  redis.call('XADD', at.base .. 'inbox', '*', 'c', client, 'n', text(number), 'i', item)
end

local function lease(at, client, seconds)
  redis.call('ZADD', at.base .. 'leases', 'GT', string.format('%.3f', at.now + seconds), client)
end

local function needs(at, server, cursor)
  local key = at.base .. 'lowest'
  local known = redis.call('HGET', key, server)
  local lowest = known and tonumber(string.match(known, '^%d+')) or cursor
  redis.call('HSET', key, server, text(math.min(lowest, cursor)) .. ' ' .. text(at.now))
end

-- Return whether Redis has lost messages since the client whose row has ``begins`` was created.
local function is_older(at, begins)
  return tonumber(begins) < at.rewound
end

-- Return the refusal of a client that has ended or is unknown; ``gone`` and ``begins`` are fields of its row.
local function refusal(at, client, gone, begins)
  if begins and is_older(at, begins) then
    return {ROLLED_BACK}
  end
  if gone then
    return {GONE, gone}
  end
  if begins then
    return nil
  end
  local reason = redis.call('GET', at.base .. 'reason:' .. client)
  if reason == LOST then
    return {ROLLED_BACK}
  end
  return reason and {GONE, reason} or {UNKNOWN}
end

local function save_facts(row, pieces)
  for place, piece in ipairs(pieces) do
    redis.call('HSET', row, 'f' .. place, piece)
  end
  redis.call('HDEL', row, 'f' .. (#pieces + 1)) -- ends the facts here, even if there were more pieces before
end

local function facts_of(row)
  local pieces = {}
  repeat
    local piece = redis.call('HGET', row, 'f' .. (#pieces + 1))
    pieces[#pieces + 1] = piece or nil
  until not piece
  return table.concat(pieces)
end

local function ensure_connected(at, client, connected)
  if connected ~= '1' then
    local row = row_of(at, client)
    redis.call('HSET', row, 'connected', '1')
    step(at, client, CONNECTED, facts_of(row))
  end
end

local function delete(at, client, reason)
  redis.call('DEL', row_of(at, client))
  redis.call('ZREM', at.base .. 'leases', client)
  redis.call('SET', at.base .. 'reason:' .. client, reason, 'EX', REASONS)
end

local function finish_client(at, client, reason)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'begins', 'gone', 'connected')
  if not found[1] then
    redis.call('ZREM', at.base .. 'leases', client)
  end
  if not found[1] then
    return
  end
  if found[3] ~= '1' then
    return delete(at, client, reason)
  end
  redis.call('ZADD', at.base .. 'leases', '+inf', client)
  if found[2] then
    return
  end
  redis.call('HSET', row, 'gone', reason)
  log(at, 'g', client, 'r', reason)
  step(at, client, DISCONNECTED, '')
end

local OPERATIONS = {}

function OPERATIONS.create(at, client, server, facts, seconds)
  local row = row_of(at, client)
  local begins = redis.call('HGET', row, 'begins')
  if begins then
    return {OK, tonumber(begins)}
  end
  local last = text(at.last)
  save_facts(row, facts)
  redis.call('HSET', row, 'server', server, 'begins', last, 'cursor', last,
    'received', '0', 'handled', '-1', 'connected', '0')
  needs(at, server, at.last)
  lease(at, client, seconds)
  return {OK, at.last}
end

function OPERATIONS.greet(at, client, server, facts, seconds)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'gone', 'begins', 'connected')
  local refused = refusal(at, client, found[1], found[2])
  if refused then
    return refused
  end
  if found[3] ~= '1' then
    save_facts(row, facts)
    redis.call('HSET', row, 'server', server)
    ensure_connected(at, client, found[3])
  end
  lease(at, client, seconds)
  return {OK}
end

-- Return whether the message ``n`` that was accepted before has another digest.
local function conflicts(digests, received, n, digest)
  local from = #digests - (received - n + 1) * DIGEST + 1
  return from > 0 and string.sub(digests, from, from + DIGEST - 1) ~= digest
end

-- Return the new messages among ``items``, or nil and the refusal.
local function fresh_of(items, received, digests)
  local fresh, expected = {}, received + 1
  for _, item in ipairs(items) do
    local n, digest = item[1], item[2]
    if n > expected then
      return nil, {GAP, received}
    elseif n == expected then
      fresh[#fresh + 1] = item
      expected = expected + 1
    elseif n <= received and conflicts(digests, received, n, digest) then
      return nil, {CONFLICT, n}
    end
  end
  return fresh
end

function OPERATIONS.accept(at, client, items, room, seconds)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'gone', 'begins', 'connected', 'received', 'handled', 'digests')
  local refused = refusal(at, client, found[1], found[2])
  if refused then
    return refused
  end
  if seconds > 0 then
    lease(at, client, seconds)
  end
  ensure_connected(at, client, found[3])
  local received, digests = tonumber(found[4]), found[6] or ''
  local fresh, wrong = fresh_of(items, received, digests)
  if not fresh then
    return wrong
  end
  room = room - (received - math.max(tonumber(found[5]), 0))
  if #fresh > 0 and room <= 0 then
    return {TOO_MANY}
  end
  local count = math.min(#fresh, room)
  for place = 1, count do
    local item = fresh[place]
    received, digests = item[1], digests .. item[2]
    step(at, client, received, item[3])
  end
  if count > 0 then
    redis.call('HSET', row, 'received', text(received), 'digests', string.sub(digests, -DIGESTS * DIGEST))
  end
  return {OK, received, count}
end

function OPERATIONS.depart(at, client, reason)
  finish_client(at, client, reason)
  return {OK}
end

local function entry_of(at, id)
  local place = text(id) .. '-0'
  return redis.call('XRANGE', at.base .. 'log', place, place)[1]
end

-- Return whether the log has never had the id ``cursor``; false if that cannot be known.
local function is_lost(at, cursor)
  local trimmed = tonumber(redis.call('HGET', at.base .. 'state', 'trimmed') or '0')
  if cursor <= trimmed or cursor == 0 or cursor == at.last or entry_of(at, cursor) then
    return false
  end
  return not redis.call('ZSCORE', at.base .. 'discarded', text(cursor))
end

-- Return the fields of a row, without the digests, which are no text.
local function fields(row)
  local found, kept = redis.call('HGETALL', row), {}
  for place = 1, #found, 2 do
    if found[place] ~= 'digests' then
      kept[#kept + 1] = found[place]
      kept[#kept + 1] = found[place + 1]
    end
  end
  return kept
end

function OPERATIONS.claim(at, client, server, cursor, seconds)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'gone', 'begins', 'server', 'cursor')
  local refused = refusal(at, client, found[1], found[2])
  if refused then
    return refused
  end
  if is_lost(at, cursor) then
    return {ROLLED_BACK}
  end
  if found[3] ~= server then
    redis.call('HSET', row, 'server', server)
    redis.call('PUBLISH', at.claimed .. found[3], client)
  end
  needs(at, server, tonumber(found[4]))
  lease(at, client, seconds)
  return {OK, client, fields(row), tonumber(redis.call('HGET', at.base .. 'state', 'trimmed') or '0')}
end

function OPERATIONS.renew(at, server, clients, lowest, seconds, silent)
  local moved, unknown = {}, {}
  local function renew(each, is_silent)
    local client, cursor = each[1], each[2]
    local row = row_of(at, client)
    local found = redis.call('HMGET', row, 'gone', 'server', 'cursor', 'begins')
    if found[1] or not found[2] or is_older(at, found[4]) then
      unknown[#unknown + 1] = client
    elseif found[2] ~= server then
      moved[#moved + 1] = client
    else
      if cursor > tonumber(found[3]) then
        redis.call('HSET', row, 'cursor', text(cursor))
      end
      if not is_silent then
        lease(at, client, seconds)
      end
    end
  end
  for _, each in ipairs(clients) do
    renew(each, false)
  end
  for _, each in ipairs(silent) do
    renew(each, true)
  end
  if lowest >= 0 then
    redis.call('HSET', at.base .. 'lowest', server, text(lowest) .. ' ' .. text(at.now))
  end
  return {OK, moved, unknown}
end

-- Remember what a client has lost, and delete the dropped messages that were for this client alone.
function OPERATIONS.discard(at, client, server, up_to, ids, lost)
  local row = row_of(at, client)
  if redis.call('HGET', row, 'server') ~= server then
    return {OK}
  end
  redis.call('HSET', row, 'lost', text(up_to) .. ' ' .. lost)
  for _, id in ipairs(ids) do
    local entry = entry_of(at, id)
    local fields = entry and entry[2]
    if fields and fields[1] == 'm' and string.sub(fields[2], 1, 10) == '["client",' then
      redis.call('ZADD', at.base .. 'discarded', text(id), text(id))
      redis.call('XDEL', at.base .. 'log', entry[1])
      at.written = at.written - #fields[4]
    end
  end
  return {OK}
end

-- Remember the ids that a server has sent outside of steps under its ``number``, and forget an old number.
local function remember(at, key, number, value)
  redis.call('HSET', key, text(number), value)
  redis.call('HDEL', key, text(number - CAUSES_REMEMBERED))
  if number % 100 == 1 then
    redis.call('EXPIRE', key, OUTSIDE_AGE)
  end
end

local function key_of_cause(at, owner, number, place)
  return at.base .. (place ~= '' and 'cause:' .. owner .. ':' .. text(number) or 'outside:' .. owner)
end

-- Return the id that was logged for a cause, if there is one.
local function caused(at, owner, number, place)
  local key = key_of_cause(at, owner, number, place)
  local known = redis.call('HGET', key, place ~= '' and place or text(number))
  return known and tonumber(known)
end

local function remember_cause(at, owner, number, place, id)
  local key = key_of_cause(at, owner, number, place)
  if place ~= '' then
    redis.call('HSET', key, place, id)
  else
    remember(at, key, number, id)
  end
end

-- Drop messages of a channel's history that exceed its bounds; 0 ``seconds`` is no bound.
local function drop_history(at, name, count, seconds, bytes)
  local key, sizes = at.base .. 'history:' .. name, at.base .. 'histories'
  local length, size = redis.call('XLEN', key), tonumber(redis.call('HGET', sizes, name) or '0')
  local oldest = seconds > 0 and (math.floor(at.now - seconds) - EPOCH) * SECOND or 0
  local freed = 0
  while length > 0 do
    local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
    local is_fresh = tonumber(string.match(first[1], '^%d+')) >= oldest
    if length <= count and size - freed <= bytes and is_fresh then
      break
    end
    redis.call('XDEL', key, first[1])
    length, freed = length - 1, freed + #first[2][2]
  end
  if freed > 0 then
    redis.call('HINCRBY', sizes, name, -freed)
    redis.call('HINCRBY', sizes, '', -freed)
  end
end

-- Add a message to the history of its channel.
local function keep(at, id, data, kept)
  local name, count, seconds, bytes, total = unpack(kept)
  local sizes, silent = at.base .. 'histories', at.base .. 'silent'
  redis.call('XADD', at.base .. 'history:' .. name, id .. '-0', 'd', data)
  redis.call('HINCRBY', sizes, name, #data)
  redis.call('HINCRBY', sizes, '', #data)
  redis.call('ZADD', silent, id, name)
  drop_history(at, name, count, seconds, bytes)
  while tonumber(redis.call('HGET', sizes, '')) > total and redis.call('ZCARD', silent) > 1 do
    local oldest = redis.call('ZRANGE', silent, 0, 0)[1]
    redis.call('HINCRBY', sizes, '', -tonumber(redis.call('HGET', sizes, oldest)))
    redis.call('DEL', at.base .. 'history:' .. oldest)
    redis.call('HDEL', sizes, oldest)
    redis.call('ZREM', silent, oldest)
  end
end

local function post(at, header, data, kept)
  local id = log_message(at, header, data)
  if kept then
    keep(at, id, data, kept)
  end
  return id
end

function OPERATIONS.append(at, header, data, owner, number, place, kept)
  local known = caused(at, owner, number, place)
  if not known then
    remember_cause(at, owner, number, place, post(at, header, data, kept))
  end
  return {OK, known or at.last}
end

-- Return the id and the digest of a published message whose mark is known.
local function published(at, mark)
  local found = mark ~= '' and redis.call('GET', at.base .. 'published:' .. mark)
  if found then
    return string.match(found, '^(%d+) (%x+)$')
  end
end

-- Return the index, from 0, of the first message whose mark belongs to another message.
local function reused(at, messages)
  local marked = {}
  for place, message in ipairs(messages) do
    local mark, digest = message[3], message[4]
    local _, known = published(at, mark)
    known = known or marked[mark] or digest
    if mark ~= '' then
      marked[mark] = known
      if known ~= digest then
        return place - 1
      end
    end
  end
end

function OPERATIONS.publish(at, messages, owner, number, age, check)
  local key = at.base .. 'outside:' .. owner
  local before = not check and redis.call('HGET', key, text(number))
  if before then
    return {OK, cjson.decode(before)}
  end
  local wrong = reused(at, messages)
  if wrong then
    return {REUSED, wrong}
  end
  local ids = {}
  for place, message in ipairs(check and {} or messages) do
    local header, data, mark, digest, kept = unpack(message)
    local id = published(at, mark) or post(at, header, data, kept)
    if mark ~= '' then
      redis.call('SET', at.base .. 'published:' .. mark, id .. ' ' .. digest, 'EX', age)
    end
    ids[place] = tonumber(id)
  end
  if not check then
    remember(at, key, number, '[' .. table.concat(texts(ids), ',') .. ']')
  end
  return {OK, ids}
end

function OPERATIONS.evict(at, client, reason, number)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'gone', 'received')
  if number >= 0 and found[2] and not found[1] and number < tonumber(found[2]) then
    redis.call('HSET', row, 'received', text(number))
  end
  finish_client(at, client, reason)
  return {OK}
end

-- Return the memberships that have ended after the client's cursor; the client needs no earlier ones.
local function left_of(left, cursor)
  local kept = {}
  for _, each in ipairs(left and cjson.decode(left) or {}) do
    if tonumber(each[3]) > cursor then
      kept[#kept + 1] = each
    end
  end
  return kept
end

function OPERATIONS.set_member(at, client, channel, enters)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'gone', 'begins', '#' .. channel, 'left', 'cursor')
  if found[1] or not found[2] or (found[3] and true or false) == enters then
    return {OK, 0}
  end
  if enters then
    redis.call('HSET', row, '#' .. channel, log(at, '+', client, 'c', channel))
    return {OK, at.last}
  end
  local until_id = log(at, '-', client, 'c', channel)
  local left = left_of(found[4], tonumber(found[5]))
  left[#left + 1] = {channel, found[3], until_id}
  redis.call('HDEL', row, '#' .. channel)
  redis.call('HSET', row, 'left', cjson.encode(left))
  return {OK, at.last}
end

-- Send the history of a channel in packs of at most ``limit`` bytes.
local function send_history(at, name, limit, header)
  local part, size = {}, 0
  local function send()
    if #part > 0 then
      log_message(at, header, '[' .. table.concat(part, ',') .. ']')
      part, size = {}, 0
    end
  end
  for _, entry in ipairs(redis.call('XRANGE', at.base .. 'history:' .. name, '-', '+')) do
    local data = entry[2][2]
    if size + #data + 2 > limit then
      send()
    end
    part[#part + 1] = data
    size = size + #data + 1
  end
  send()
end

function OPERATIONS.replay(at, client, channel, count, seconds, bytes, limit, header, owner, number, place)
  local known = caused(at, owner, number, place)
  if known then
    return {OK, known}
  end
  local found = redis.call('HMGET', row_of(at, client), 'gone', 'begins')
  if found[1] or not found[2] then
    return {OK, 0}
  end
  drop_history(at, channel, count, seconds, bytes)
  send_history(at, channel, limit, header)
  OPERATIONS.set_member(at, client, channel, true)
  remember_cause(at, owner, number, place, text(at.last))
  return {OK, at.last}
end

function OPERATIONS.save_facts(at, client, facts)
  local row = row_of(at, client)
  if redis.call('HEXISTS', row, 'begins') == 1 then
    save_facts(row, facts)
  end
  return {OK}
end

function OPERATIONS.save_data(at, data)
  for client, json in pairs(data) do
    local row = row_of(at, client)
    if redis.call('HEXISTS', row, 'begins') == 1 then
      redis.call('HSET', row, 'data', json)
    end
  end
  return {OK}
end

function OPERATIONS.finish(at, client, number, entry, data)
  if entry ~= '' then
    redis.call('XDEL', at.base .. 'inbox', entry)
  end
  redis.call('DEL', at.base .. 'cause:' .. client .. ':' .. text(number))
  OPERATIONS.save_data(at, data)
  local row = row_of(at, client)
  local found = redis.call('HMGET', row, 'handled', 'gone')
  if not found[1] then
    return {OK}
  end
  if number == DISCONNECTED then
    delete(at, client, found[2] or '')
  elseif number > tonumber(found[1]) then
    redis.call('HSET', row, 'handled', text(number))
  end
  return {OK}
end

function OPERATIONS.drop(at, entries)
  for _, entry in ipairs(entries) do
    redis.call('XDEL', at.base .. 'inbox', entry)
  end
  return {OK}
end

-- End clients whose leases end at ``until_time`` or before that; return their ids.
local function finish_overdue(at, until_time, limit, reason)
  local overdue = redis.call('ZRANGEBYSCORE', at.base .. 'leases', '-inf', until_time, 'LIMIT', 0, limit)
  for _, client in ipairs(overdue) do
    finish_client(at, client, reason)
  end
  return overdue
end

function OPERATIONS.expire(at, limit, grace, reason)
  local older = finish_overdue(at, '0', limit, LOST)
  if #older > 0 then
    return {OK, older}
  end
  local key = at.base .. 'state'
  local state = redis.call('HMGET', key, 'expired', 'patient')
  local patient = tonumber(state[2] or '0')
  if not state[1] or at.now - tonumber(state[1]) > EXPIRE_GAP then
    patient = at.now + grace
  end
  redis.call('HSET', key, 'expired', string.format('%.3f', at.now), 'patient', string.format('%.3f', patient))
  if at.now < patient then
    return {OK, {}}
  end
  return {OK, finish_overdue(at, string.format('%.3f', at.now), limit, reason)}
end

-- Return the lowest id that any server needs; forget ids that servers reported long ago.
local function lowest_of(at, grace)
  local key = at.base .. 'lowest'
  local is_patient = at.now < tonumber(redis.call('HGET', at.base .. 'state', 'patient') or '0')
  local found, lowest = redis.call('HGETALL', key), at.last
  for place = 1, #found, 2 do
    local id, said = string.match(found[place + 1], '^(%d+) (%d+)$')
    if at.now - tonumber(said) <= 2 * grace or is_patient then
      lowest = math.min(lowest, tonumber(id))
    else
      redis.call('HDEL', key, found[place])
    end
  end
  return lowest
end

-- Forget the calls of servers that ended long ago.
local function forget_calls(at)
  local key = at.base .. 'calls'
  local found = redis.call('HGETALL', key)
  for place = 1, #found, 2 do
    if at.now - tonumber(string.match(found[place + 1], ' (%d+)$')) > CALLS_AGE then
      redis.call('HDEL', key, found[place])
    end
  end
end

-- Return the id up to which the log is too long, as far as the numbers in ``looks`` tell.
local function too_long_up_to(at, trimmed, entries, bytes)
  local key = at.base .. 'looks'
  local before = redis.call('ZREVRANGEBYSCORE', key, text(trimmed), '-inf', 'LIMIT', 0, 1)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. (before[1] and string.match(before[1], '^%d+') or '0'))
  local up_to, looks = 0, redis.call('ZRANGE', key, 0, -1)
  if not before[1] then
    table.insert(looks, 1, '0 0 0')
  end
  for _, look in ipairs(looks) do
    local id, logged, written = string.match(look, '^(%d+) (%d+) (%d+)$')
    up_to = tonumber(id)
    if at.logged - tonumber(logged) <= entries and at.written - tonumber(written) <= bytes then
      break
    end
  end
  redis.call('ZADD', key, text(at.last), text(at.last) .. ' ' .. text(at.logged) .. ' ' .. text(at.written))
  return up_to
end

-- Tell all servers to drop the messages that are too old or too many; the next ``trim`` deletes them.
local function announce(at, trimmed, age, entries, bytes)
  local old = math.max(math.floor(at.now - age) - EPOCH, 0) * SECOND - 1
  local up_to = math.min(math.max(old, too_long_up_to(at, trimmed, entries, bytes)), at.last)
  if up_to > trimmed and #redis.call('XRANGE', at.base .. 'log', '-', text(up_to), 'COUNT', 1) > 0 then
    redis.call('HSET', at.base .. 'state', 'dropping', text(up_to))
    log(at, 't', '', 'u', text(up_to))
  end
end

function OPERATIONS.trim(at, grace, age, entries, bytes)
  forget_calls(at)
  local state = at.base .. 'state'
  local found = redis.call('HMGET', state, 'trimmed', 'dropping')
  local wanted = math.max(lowest_of(at, grace), tonumber(found[2] or '0'))
  local trimmed = math.max(tonumber(found[1] or '0'), math.min(wanted, at.last))
  redis.call('XTRIM', at.base .. 'log', 'MINID', text(trimmed + 1))
  redis.call('ZREMRANGEBYSCORE', at.base .. 'discarded', '-inf', text(trimmed))
  redis.call('HSET', state, 'trimmed', text(trimmed))
  announce(at, trimmed, age, entries, bytes)
  return {OK, trimmed}
end

local function run(at, operation)
  local fence = operation[2]
  if fence >= 0 and text(fence) ~= at.fence then
    return {NOT_LEADER}
  end
  return OPERATIONS[operation[1]](at, unpack(operation, 3))
end

local function open(base)
  local at = {base = base, now = time(), saved = redis.call('GET', base .. 'last')}
  at.last = tonumber(at.saved or '0')
  at.fence = redis.call('HGET', base .. 'leader', 'fence') or ''
  local found = redis.call('HMGET', base .. 'state', 'rewound', 'logged', 'written')
  at.rewound = tonumber(found[1] or '0')
  at.logged, at.written = tonumber(found[2] or '0'), tonumber(found[3] or '0')
  at.saved_logged, at.saved_written = at.logged, at.written
  return at
end

local function save(at)
  if text(at.last) ~= at.saved then
    redis.call('SET', at.base .. 'last', text(at.last))
  end
  if at.logged ~= at.saved_logged or at.written ~= at.saved_written then
    redis.call('HSET', at.base .. 'state', 'logged', text(at.logged), 'written', text(at.written))
  end
end

-- End the leader's term, since the leader remembers data that Redis has lost. Its lease goes on, so that no two
-- servers ever lead at once.
local function depose(at)
  local key = at.base .. 'leader'
  at.fence = text(math.max(tonumber(at.fence) or 0, math.floor(at.now * 1000)) + 1)
  redis.call('HSETNX', key, 'until', string.format('%.3f', at.now + LEASE))
  redis.call('HSET', key, 'server', '', 'fence', at.fence)
end

-- Redis has lost data: end all clients, since nobody knows which of them are concerned.
-- ``seen`` is the highest id that the calling server knows.
local function rewind(at, seen)
  depose(at)
  at.last = math.max(at.last, seen)
  redis.call('HSET', at.base .. 'state', 'rewound', log(at, 'x', '', 'r', LOST))
  at.rewound = at.last
  if redis.call('EXISTS', at.base .. 'leases') == 1 then
    redis.call('ZUNIONSTORE', at.base .. 'leases', 1, at.base .. 'leases', 'WEIGHTS', 0) -- all are overdue
  end
end

-- Return whether a call is the newest of its server; check whether Redis has lost a call that was answered.
local function is_newest(at, server, number, answered, seen)
  local key = at.base .. 'calls'
  local found = redis.call('HGET', key, server)
  local known = tonumber(string.match(found or '0', '^%d+'))
  if number <= known then
    return false
  end
  redis.call('HSET', key, server, text(number) .. ' ' .. text(at.now))
  if known < answered and at.rewound <= seen then -- else the server will read in the log that data was lost
    rewind(at, seen)
  end
  return true
end

-- ARGV: the operations, packed with MessagePack; the prefix of the channels for claims; the server; the number of
-- this call; the number of the last call that was answered and must not be lost; the highest id that the server
-- knows. An operation consists of its name, the fence or -1, and its arguments. The result has an answer for each.
local function execute(keys, args)
  local at = open(keys[1])
  at.claimed = args[2]
  if not is_newest(at, args[3], tonumber(args[4]), tonumber(args[5]), tonumber(args[6])) then
    return redis.error_reply('LATE this call has come after one that was sent later')
  end
  local answers = {}
  for place, operation in ipairs(cmsgpack.unpack(args[1])) do
    local well, answer = pcall(run, at, operation)
    answers[place] = well and answer or {FAILED, type(answer) == 'table' and answer.err or tostring(answer)}
  end
  save(at)
  return cmsgpack.pack(answers)
end

redis.register_function('NAME_execute', execute)
-- The same for operations that free memory, while memory is full.
redis.register_function{function_name = 'NAME_free', callback = execute, flags = {'allow-oom'}}

-- ARGV: an id that the server has read in the log. Returns 0 if Redis has it. Otherwise Redis was rolled back; then
-- this returns the id of the entry that says so, and all clients that were there before have ended.
redis.register_function('NAME_remembers', function(keys, args)
  local at, seen = open(keys[1]), tonumber(args[1])
  if not is_lost(at, seen) then
    return '0'
  end
  if at.rewound <= seen then
    rewind(at, seen)
    save(at)
  end
  return text(at.rewound)
end)

-- ARGV: the server, the seconds of its lease, "1" if it takes the lead if that is free, and the fence of the lead
-- that it goes on with, or 0. A lead that begins gets another fence.
redis.register_function('NAME_elect', function(keys, args)
  local key, server, now = keys[1] .. 'leader', args[1], time()
  local found = redis.call('HMGET', key, 'server', 'until', 'fence')
  local leader, ends, fence = found[1] or '', tonumber(found[2] or '0'), tonumber(found[3] or '0')
  local is_free = ends <= now
  local begins = is_free or (leader == server and fence ~= tonumber(args[4]))
  if is_free and args[3] ~= '1' and leader ~= server then
    return {'', text(fence)}
  end
  if begins then
    leader, fence = server, math.max(fence + 1, math.floor(now * 1000))
  end
  if leader == server then
    redis.call('HSET', key, 'server', leader, 'until', string.format('%.3f', now + tonumber(args[2])),
      'fence', text(fence))
  end
  return {leader, text(fence)}
end)

-- ARGV: the fence.
redis.register_function('NAME_resign', function(keys, args)
  local key = keys[1] .. 'leader'
  if redis.call('HGET', key, 'fence') == args[1] then
    redis.call('HSET', key, 'server', '', 'until', '0')
  end
  return 1
end)

-- KEYS[1] is the key of a name. ARGV: the server that wants the name; the server from which it may take the name;
-- the seconds for which the name is kept. Returns the server that holds the name.
redis.register_function('NAME_take_name', function(keys, args)
  local server = redis.call('GET', keys[1])
  if server and server ~= args[1] and server ~= args[2] then
    return server
  end
  redis.call('SET', keys[1], args[1], 'EX', args[3])
  return args[1]
end)

-- KEYS[1] is the key of a name. ARGV: the server that releases the name.
redis.register_function('NAME_drop_name', function(keys, args)
  if redis.call('GET', keys[1]) == args[1] then
    redis.call('DEL', keys[1])
  end
  return 1
end)
