#include <fmt/format.h>

#include "fixtures/poll_until.h"
#include "scenarios/checks.h"
#include "scenarios/server_facts.h"
#include "sync/base/bytes.h"
#include "sync/net/client.h"
#include "sync/resp/encoder.h"

namespace lockstep::scenarios {

using Words = std::vector<std::string>;

namespace {

constexpr size_t keys_at_once = 500;
/// Each side removes a key that has expired, or a hash with its last field, when it comes to it:
/// what differs for so long is a difference.
constexpr std::chrono::milliseconds settle{3000};

/// "db:key" → digest.
using Digests = std::map<std::string, std::string>;

asio::awaitable<void> read_some(net::Client& client, std::string db, Words keys, Digests& digests) {
  Words words{"DEBUG", "DIGEST-VALUE"};
  words.insert(words.end(), keys.begin(), keys.end());
  const resp::Value reply = co_await client.command_or_throw(words);
  for (size_t i = 0; i < keys.size() && i < reply.items.size(); ++i) {
    // Zeros: the key is gone.
    if (reply.items[i].text.find_first_not_of('0') != std::string::npos)
      digests[db + ":" + keys[i]] = reply.items[i].text;
  }
}

asio::awaitable<void> read_database(net::Client& client, std::string db, Digests& digests) {
  Words select{"SELECT", db};
  co_await client.command_or_throw(select);
  std::string cursor = "0";
  do {
    Words scan{"SCAN", cursor, "COUNT", std::to_string(keys_at_once)};
    const resp::Value reply = co_await client.command_or_throw(scan);
    cursor = reply.items.at(0).text;
    Words keys;
    for (const resp::Value& key : reply.items.at(1).items) keys.push_back(key.text);
    if (!keys.empty()) co_await read_some(client, db, keys, digests);
  } while (cursor != "0");
}

asio::awaitable<Digests> read_digests(const fixtures::Deployment* deployment) {
  Digests digests;
  for (const fixtures::Server* server : deployment->primaries()) {
    auto keyspace = co_await info_of(server->endpoint(), "keyspace");
    auto client = co_await net::Client::connect(server->endpoint());
    for (const auto& [name, text] : keyspace)
      co_await read_database(*client, name.substr(2), digests);
  }
  co_return digests;
}

struct DigestFindings {
  size_t missing = 0, extra = 0, different = 0;
  std::string first;
  size_t count() const { return missing + extra + different; }
};

/// The source as it was before and after the target was read: what its keys' time to live changed
/// between says nothing.
DigestFindings compare(const Digests& before, const Digests& target, const Digests& after) {
  DigestFindings findings;
  const auto note = [&](size_t& counter, const std::string& key) {
    ++counter;
    if (findings.first.empty()) findings.first = key;
  };
  for (const auto& [key, digest] : before) {
    const auto still = after.find(key);
    if (still == after.end() || still->second != digest) continue;
    const auto found = target.find(key);
    if (found == target.end()) {
      note(findings.missing, key);
    } else if (found->second != digest) {
      note(findings.different, key);
    }
  }
  for (const auto& [key, digest] : target) {
    if (before.count(key) + after.count(key) == 0) note(findings.extra, key);
  }
  return findings;
}

}  // namespace

asio::awaitable<CheckResult> check_digest(Comparison comparison) {
  CheckResult result{"DEBUG DIGEST-VALUE of " + comparison.target->options().name};
  const fixtures::Deadline deadline(settle);
  do {
    const Digests before = co_await read_digests(comparison.source);
    const Digests target = co_await read_digests(comparison.target);
    const Digests after = co_await read_digests(comparison.source);
    const DigestFindings findings = compare(before, target, after);
    result.verdict = findings.count() == 0 ? Verdict::pass : Verdict::fail;
    result.detail =
        fmt::format("{} keys; missing {}, extra {}, different {}{}", after.size(), findings.missing,
                    findings.extra, findings.different,
                    findings.count() == 0 ? "" : "; first " + printable(findings.first));
    if (result.verdict == Verdict::fail) co_await fixtures::pause(settle / 10);
  } while (result.verdict == Verdict::fail && !deadline.passed());
  co_return result;
}

}  // namespace lockstep::scenarios
