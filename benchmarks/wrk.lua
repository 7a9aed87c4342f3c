-- POST the file named by the first argument; at the end one line of JSON.
init = function(args)
  local file = io.open(args[1], "rb")
  wrk.method = "POST"
  wrk.body = file:read("*all")
  file:close()
  wrk.headers["Content-Type"] = args[2]
end

done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'BENCH {"requests": %d, "microseconds": %d, "p50": %.4f, "p99": %.4f, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.timeout + e.status))
end
