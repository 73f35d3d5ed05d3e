#include "verifier/test_sync.h"

#include <cstdlib>

#include "fixtures/poll_until.h"
#include "sync/net/http_client.h"

namespace lockstep::verifier {

using std::chrono::seconds;

asio::awaitable<void> TwoSidesAndEngine::ask_status(nlohmann::json& status) {
  net::HttpRequest request{.address = control(), .target = "/status"};
  const net::HttpAnswer answer = co_await net::ask_http(std::move(request));
  status = nlohmann::json::parse(answer.body);
}

nlohmann::json TwoSidesAndEngine::engine_status() {
  nlohmann::json status;
  await(ask_status(status));
  return status;
}

asio::awaitable<void> TwoSidesAndEngine::await_streaming() {
  co_await fixtures::poll_until(seconds(30), "the full copy",
                                [this]() -> asio::awaitable<std::string> {
                                  nlohmann::json status;
                                  co_await ask_status(status);
                                  if (status["state"] == "failed")
                                    throw UserError(status["error"].get<std::string>());
                                  if (status["links"].empty()) co_return "no links";
                                  for (const auto& link : status["links"]) {
                                    if (link["phase"] != "streaming")
                                      co_return link["phase"].get<std::string>();
                                  }
                                  co_return "";
                                });
}

asio::awaitable<void> TwoSidesAndEngine::await_applied() {
  std::map<std::string, int64_t> wanted;
  for (const fixtures::Server* server : source_->primaries()) {
    const auto client = co_await net::Client::connect(server->endpoint());
    Words request{"INFO", "replication"};
    const resp::Value info = co_await client->command(request);
    const std::string name = "master_repl_offset:";
    wanted[server->endpoint().label()] =
        std::stoll(info.text.substr(info.text.find(name) + name.size()));
  }
  co_await fixtures::poll_until(seconds(30), "catching up",
                                [this, &wanted]() -> asio::awaitable<std::string> {
                                  nlohmann::json status;
                                  co_await ask_status(status);
                                  for (const auto& link : status["links"]) {
                                    const auto source = link["source"].get<std::string>();
                                    if (link["applied_offset"].get<int64_t>() < wanted.at(source))
                                      co_return source;
                                  }
                                  co_return "";
                                });
}

void TwoSidesAndEngine::await_caught_up() { await(await_applied()); }

void TwoSidesAndEngine::start_engine(const Words& more_arguments) {
  const char* program = std::getenv("LOCKSTEP_BINARY");
  ASSERT_NE(program, nullptr);
  fixtures::ChildOptions options;
  options.program = program;
  options.args = {"sync",        "--quiet",
                  "--control",   control(),
                  "--log-file",  (directory_.path() / "engine.log").string(),
                  "--spool-dir", directory_.path().string()};
  for (const std::string& each : source_->urls())
    options.args.insert(options.args.end(), {"--from", each});
  for (const std::string& each : target_->urls())
    options.args.insert(options.args.end(), {"--to", each});
  options.args.insert(options.args.end(), more_arguments.begin(), more_arguments.end());
  options.output = directory_.path() / "engine.out";
  engine_ = std::make_unique<fixtures::Child>(io_.get_executor(), options);
  await(await_streaming());
}

VerifyOptions TwoSidesAndEngine::options_with(CutMode cut) const {
  VerifyOptions changed = options();
  changed.confirm_quiet = VerifyOptions().confirm_quiet;
  changed.engine = control();
  changed.cut = cut;
  return changed;
}

}  // namespace lockstep::verifier
