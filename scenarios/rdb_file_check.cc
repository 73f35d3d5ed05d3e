#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/asio/this_coro.hpp>

#include "fixtures/catalogue.h"
#include "fixtures/child.h"
#include "fixtures/join_all.h"
#include "fixtures/poll_until.h"
#include "fixtures/run_files.h"
#include "scenarios/checks.h"
#include "scenarios/rdb_decoder.h"
#include "scenarios/server_facts.h"
#include "sync/net/client.h"
#include "verifier/tolerance.h"

namespace lockstep::scenarios {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Words = std::vector<std::string>;

namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// As a replica that wants the snapshot only.
asio::awaitable<void> take_by_client(net::Endpoint server, fs::path file, milliseconds limit) {
  Words words{"-h", server.host, "-p", std::to_string(server.port), "--rdb", file.string()};
  co_await fixtures::run_program(co_await asio::this_coro::executor, "redis-cli", words, limit);
}

/// The file that the server itself writes. Nobody writes now, so SAVE keeps nobody waiting.
asio::awaitable<void> take_by_save(const fixtures::Server* server, fs::path file,
                                   milliseconds limit) {
  std::string what = "SAVE of " + server->name();
  const auto save = [server]() -> asio::awaitable<std::string> {
    auto client = co_await net::Client::connect(server->endpoint());
    Words words{"SAVE"};  // refused while a child of the server's saves
    const resp::Value reply = co_await client->command(words);
    co_return reply.is_error() ? reply.text : std::string();
  };
  co_await fixtures::poll_until(limit, what, save);
  fs::copy_file(server->directory() / "dump.rdb", file, fs::copy_options::overwrite_existing);
}

struct Decoding {
  fs::path decoder;
  fs::path directory;
  milliseconds limit;
};

asio::awaitable<Contents> taken_by_client(const fixtures::Server* server, Decoding how) {
  const fs::path file = how.directory / (server->name() + ".rdb");
  co_await take_by_client(server->endpoint(), file, how.limit);
  co_return co_await decode_rdb_file(co_await asio::this_coro::executor, how.decoder, file,
                                     how.limit);
}

asio::awaitable<Contents> taken_by_save(const fixtures::Server* server, Decoding how) {
  const fs::path file = how.directory / (server->name() + "-saved.rdb");
  co_await take_by_save(server, file, how.limit);
  co_return co_await decode_rdb_file(co_await asio::this_coro::executor, how.decoder, file,
                                     how.limit);
}

/// A client that does not say its version gets a file of an old format from a new server, or none;
/// then the server's own file it is.
asio::awaitable<void> read_server(const fixtures::Server* server, Decoding how,
                                  Contents& contents) {
  bool refused = false;
  try {
    contents = co_await taken_by_client(server, how);
  } catch (const UserError&) {
    refused = true;
  }
  if (refused) contents = co_await taken_by_save(server, how);
  contents.taken_ms = now_ms();
}

/// All servers at once.
asio::awaitable<Contents> read_all(const fixtures::Deployment* deployment, Decoding how) {
  const auto servers = deployment->primaries();
  std::vector<Contents> parts(servers.size());
  std::vector<asio::awaitable<void>> reads;
  for (size_t i = 0; i < servers.size(); ++i)
    reads.push_back(read_server(servers[i], how, parts[i]));
  co_await fixtures::join_all(std::move(reads));
  Contents all;
  for (Contents& part : parts) all.add(std::move(part));
  co_return all;
}

std::string detail_of(size_t keys, const ContentFindings& findings) {
  std::string text = fmt::format("{} keys; missing {}, extra {}, different {}", keys,
                                 findings.missing, findings.extra, findings.different);
  if (findings.expired > 0) text += fmt::format(", expired meanwhile {}", findings.expired);
  if (findings.count() > 0) text += fmt::format("; first {}", fmt::join(findings.first, "; "));
  return text;
}

asio::awaitable<void> compare_files(Comparison comparison, Decoding how, CheckResult& result) {
  const Contents source = co_await read_all(comparison.source, how);
  const Contents target = co_await read_all(comparison.target, how);
  const ContentFindings findings =
      compare_contents(source, target, verifier::Tolerance().tolerance.count());
  result.verdict = findings.count() == 0 ? Verdict::pass : Verdict::fail;
  result.detail = detail_of(source.keys.size(), findings);
}

}  // namespace

asio::awaitable<CheckResult> check_rdb_files(Comparison comparison) {
  const std::string& target = comparison.target->options().name;
  CheckResult result{"RDB files of " + target};
  const auto decoder = find_rdb_decoder();
  if (!decoder) {
    result.verdict = Verdict::skipped;
    result.detail = "the RDB decoder is not on this machine; ci/rdb-decoder installs it";
    co_return result;
  }
  const Decoding how{*decoder, comparison.directory / ("rdb-" + target), comparison.limit};
  fixtures::make_directories(how.directory);
  try {
    co_await compare_files(comparison, how, result);
  } catch (const UnknownToDecoder& error) {
    result.verdict = Verdict::skipped;
    result.detail = error.what();
  }
  // Of use to find out what differs, and large.
  if (result.verdict == Verdict::pass) fs::remove_all(how.directory);
  co_return result;
}

}  // namespace lockstep::scenarios
