-- One packet per POST for wrk. Arguments: the prefix of the call ids, and how many calls each thread has.
-- The calls of a thread take turns, and each counts its packets from 1.

local threads = 0

function setup(thread)
  thread:set("thread", threads)
  threads = threads + 1
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- 160 bytes in base64: 213 characters, one whose last four bits are zero, and the padding.
local function sound()
  local characters = {}
  for i = 1, 213 do
    local at = math.random(1, 64)
    characters[i] = alphabet:sub(at, at)
  end
  local at = math.random(1, 4)
  return table.concat(characters) .. ("AQgw"):sub(at, at) .. "=="
end

function init(args)
  prefix, calls, sent = args[1], tonumber(args[2]), 0
  math.randomseed(thread + 1)
  sounds = {}
  for i = 0, 63 do
    sounds[i] = sound()
  end
end

function request()
  local call = sent % calls
  local sequence = (sent - call) / calls + 1
  sent = sent + 1
  local body = string.format('{"sequence":%d,"data":"%s","timestamp":%.2f}',
    sequence, sounds[sequence % 64], 1700000000 + sequence * 0.02)
  return string.format("POST /v1/call/stream/%s-%d-%d HTTP/1.1\r\nHost: 127.0.0.1\r\n" ..
    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", prefix, thread, call, #body, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f,"p99_9_ms":%.3f,"max_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    latency.max / 1e3))
end
