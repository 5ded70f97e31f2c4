-- Beacons for wrk: bodies of about 150 bytes, each with its own address, agent and key. All but the key is prepared in
-- advance, because the load generator shares the machine.

local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
}
local referrers = { "", "https://www.google.com/", "https://news.ycombinator.com/item", "https://www.example.com/" }

local heads, tails = {}, {}
local count, sent = 4096, 0

function init(args)
  math.randomseed(os.time())
  for n = 1, count do
    local version = math.random(1, 144)
    local agent = string.format(agents[n % #agents + 1], version, version)
    local page = string.format("https://example.com/section-%d/page-%d", n % 20, math.random(1, 500))
    local head = string.format('{"n":"pageview","u":"%s","d":"example.com","c":1,"r":"%s","w":%d,"k":"',
      page, referrers[n % #referrers + 1], math.random(320, 2560))
    heads[n] = table.concat({
      "POST /api/event HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nOrigin: https://example.com\r\n",
      "Accept-Language: ja,en;q=0.8\r\nUser-Agent: ", agent,
      "\r\nX-Forwarded-For: ", math.random(1, 223), ".", math.random(0, 255), ".", math.random(0, 255), ".", math.random(1, 254),
      "\r\nContent-Length: ", #head + 16 + 2, "\r\n\r\n", head,
    })
    tails[n] = '"}'
  end
end

function request()
  sent = sent + 1
  local n = sent % count + 1
  return heads[n] .. string.format("%08x%08x", math.random(0, 0x7fffffff), sent) .. tails[n]
end

-- Without a response handler wrk counts answers other than 2xx and 3xx itself, which costs less.
function done(summary, latency, requests)
  io.write(string.format("RESULT %.0f %d %.2f %.2f\n", summary.requests / (summary.duration / 1e6),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
