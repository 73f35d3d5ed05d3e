#include "scenarios/lockstep_driver.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "fixtures/poll_until.h"
#include "fixtures/run_files.h"
#include "scenarios/server_facts.h"
#include "sync/base/error.h"
#include "sync/net/http_client.h"

namespace lockstep::scenarios {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds ask_limit{10000};
constexpr milliseconds ending_limit{500};

}  // namespace

std::filesystem::path own_program() {
  const char* other = std::getenv("LOCKSTEP_BINARY");
  return other != nullptr ? std::filesystem::path(other)
                          : std::filesystem::read_symlink("/proc/self/exe");
}

LockstepDriver::LockstepDriver(asio::any_io_executor executor, DriverContext context)
    : executor_(executor), context_(std::move(context)) {}

std::string LockstepDriver::control() const {
  return fmt::format("{}:{}", context_.control_address, context_.control_port);
}

std::vector<std::string> LockstepDriver::arguments() const {
  std::vector<std::string> args{"sync",        "--quiet",
                                "--log-file",  log_file().string(),
                                "--spool-dir", context_.directory.string(),
                                "--control",   control()};
  for (const std::string& url : context_.from->urls()) args.insert(args.end(), {"--from", url});
  for (const fixtures::Deployment* target : context_.to) {
    for (const std::string& url : target->urls()) args.insert(args.end(), {"--to", url});
  }
  args.insert(args.end(), context_.spec.options.begin(), context_.spec.options.end());
  return args;
}

asio::awaitable<void> LockstepDriver::start() {
  fixtures::ChildOptions options;
  options.program = own_program();
  options.args = arguments();
  options.directory = context_.directory;
  options.output = context_.directory / (context_.name + ".out");
  std::string line;
  for (const std::string& arg : options.args) line += " " + arg;
  fixtures::write_text(context_.directory / (context_.name + ".command"), "lockstep" + line + "\n");
  child_.emplace(executor_, options);
  // Its links are there when the prechecks are over: what the run does now cannot fail them.
  std::string what = "start of the engine";
  co_await fixtures::poll_until(context_.start_limit, what,
                                [this]() -> asio::awaitable<std::string> {
                                  co_await ask("GET", "/status", ask_limit);
                                  const json status = json::parse(status_);
                                  co_return status.at("links").empty() ? "no links yet" : "";
                                });
}

void LockstepDriver::require_running() {
  if (child_->running()) return;
  const auto output = context_.directory / (context_.name + ".out");
  throw UserError(fmt::format("the engine ended: {} (its log is {})",
                              fixtures::last_lines(output, 3), log_file().string()));
}

asio::awaitable<std::string> LockstepDriver::ask(std::string method, std::string path,
                                                 milliseconds limit) {
  require_running();
  net::HttpRequest request{
      .address = control(), .method = std::move(method), .target = path, .limit = limit};
  net::HttpAnswer answer;
  std::string failure;
  try {
    answer = co_await net::ask_http(std::move(request));
  } catch (const ConnectionError& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    // An engine that ends closes its control before it is gone: its own last words say more. One
    // that has not answered yet is asked again anyway.
    if (answered_ && co_await child_->wait(ending_limit)) require_running();
    throw ConnectionError(failure);
  }
  if (answer.status != 200)
    throw ConnectionError(fmt::format("{}: {} {}", path, answer.status, answer.body));
  answered_ = true;
  if (path == "/status") status_ = answer.body;
  co_return std::move(answer.body);
}

asio::awaitable<void> LockstepDriver::note_source_offsets() {
  for (const fixtures::Server* server : context_.from->primaries())
    wanted_[server->endpoint().label()] = co_await replication_offset(server->endpoint());
}

asio::awaitable<bool> LockstepDriver::copying() {
  const json status = json::parse(co_await ask("GET", "/status", ask_limit));
  for (const json& link : status.at("links"))
    if (link.at("phase") != "streaming") co_return true;
  co_return false;
}

asio::awaitable<std::string> LockstepDriver::why_not_caught_up() {
  if (wanted_.empty()) co_await note_source_offsets();
  const json status = json::parse(co_await ask("GET", "/status", ask_limit));
  if (status.at("state") == "failed")
    throw UserError("the engine failed: " + status.value("error", ""));
  for (const json& link : status.at("links")) {
    const auto source = link.at("source").get<std::string>();
    const auto phase = link.at("phase").get<std::string>();
    const auto applied = link.at("applied_offset").get<int64_t>();
    const auto found = wanted_.find(source);
    if (found == wanted_.end())
      co_return "link " + source + " is to none of the source's primaries";
    if (phase != "streaming" || applied < found->second)
      co_return fmt::format("link {} ({}) has applied {}", source, phase, applied);
  }
  co_return "";
}

asio::awaitable<void> LockstepDriver::finish(milliseconds limit) {
  require_running();
  std::string failure;
  try {
    co_await ask("POST", "/finalize", limit);
  } catch (const ConnectionError& error) {
    failure = error.what();
  } catch (const UserError& error) {
    failure = error.what();  // it has ended, and its status says how
  }
  const auto status = co_await child_->wait(milliseconds(10000));
  if (status && *status == 0) co_return;
  if (status) require_running();
  throw UserError(
      fmt::format("the engine did not finish: {} (its log is {})", failure, log_file().string()));
}

}  // namespace lockstep::scenarios
