-- A flood of wrong passwords: every request another name from another network, so that no bound by name or network holds it.
-- FLOOD=refused sends the same as a page of somebody else would; that is refused before anything is looked up or hashed.
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
