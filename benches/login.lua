-- A flood of wrong passwords: each request has its own name and network, so that no limit by name or network applies.
-- FLOOD=refused marks the same requests as cross-site; they are refused before any lookup or hashing.
local site = os.getenv("FLOOD") == "refused" and "cross-site" or "same-origin"
local n = 0

function delay()
  return 5
end

function request()
  n = n + 1
  local headers = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Sec-Fetch-Site"] = site,
    ["X-Forwarded-For"] = string.format("%d.%d.%d.1", 11 + n % 80, math.floor(n / 80) % 250, math.floor(n / 20000) % 250),
  }
  return wrk.format("POST", "/login", headers, "name=flood" .. n .. "&password=a+wrong+password")
end
