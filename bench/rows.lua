-- wrk: posts bodies that were written beforehand, one after the other, and tells its measures as JSON on the last line.
--     wrk … -s rows.lua URL -- bodies-file content-type [api-key]
-- A body is a line of the file; a JSON array or object has no line end of its own.
local requests = {}
local at = 0

function init(arguments)
  local headers = {["Content-Type"] = arguments[2]}
  if arguments[3] then headers["x-api-key"] = arguments[3] end
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

-- Any answer but 200 makes the measure worthless: the bench looks at `errors`.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
