#include "scenarios/command_driver.h"

#include <fmt/format.h>

#include "fixtures/poll_until.h"
#include "fixtures/run_files.h"
#include "scenarios/server_facts.h"
#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/cluster/slot.h"

namespace lockstep::scenarios {

using std::chrono::milliseconds;
using Words = std::vector<std::string>;

namespace {

/// The tool in a process group that ends when standard input does: the kernel ends only our own
/// children with us, not theirs.
constexpr const char* in_a_group =
    "exec 3<&0 </dev/null\n"
    "(cat <&3 >/dev/null 2>&1; kill -KILL 0) &\n"
    "exec 3<&- /bin/sh -c \"$1\"";

std::string shell_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// A key that belongs to shard `index`.
std::string mark_of(const cluster::Topology& topology, size_t index) {
  for (unsigned n = 0;; ++n) {
    std::string key = fmt::format("lockstep:mark:{}", n);
    if (!topology.clustered) return fmt::format("lockstep:mark:server{}", index);
    if (topology.shard_of(cluster::slot_of(key)) == index) return key;
  }
}

asio::awaitable<bool> has_key(net::Endpoint any_node, std::string key) {
  const auto topology = co_await cluster::discover(any_node);
  const size_t shard = topology.clustered ? *topology.shard_of(cluster::slot_of(key)) : 0;
  auto client = co_await net::Client::connect(topology.shards[shard].primary.endpoint);
  Words words{"EXISTS", key};
  co_return (co_await client->command_or_throw(words)).integer == 1;
}

}  // namespace

std::string fill_in(std::string text, const std::string& from, const std::string& to,
                    const std::string& directory) {
  const std::pair<const char*, const std::string&> values[] = {
      {"{from}", from}, {"{to}", to}, {"{directory}", directory}};
  for (const auto& [name, value] : values) {
    const std::string quoted = shell_quote(value);
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += quoted.size())
      text.replace(at, std::string(name).size(), quoted);
  }
  return text;
}

asio::awaitable<void> CommandDriver::start() {
  const std::string command =
      fill_in(context_.spec.command, context_.from->client_endpoint().label(),
              context_.to.front()->client_endpoint().label(), context_.directory.string());
  fixtures::write_text(context_.directory / (context_.name + ".command"), command + "\n");
  fixtures::ChildOptions options;
  options.program = "/bin/sh";
  options.args = {"-c", in_a_group, "sh", command};
  options.directory = context_.directory;
  options.output = context_.directory / (context_.name + ".log");
  options.whole_group = true;
  auto [input, lifeline] = fixtures::make_pipe();
  options.input = input.number();
  lifeline_ = std::move(lifeline);
  child_.emplace(executor_, options);
  co_return;
}

asio::awaitable<void> CommandDriver::write_marks() {
  size_t index = 0;
  const auto topology = co_await cluster::discover(context_.from->servers().front()->endpoint());
  for (const fixtures::Server* server : context_.from->primaries()) {
    marks_.push_back(mark_of(topology, index));
    const net::Endpoint owner =
        topology.clustered ? topology.shards[index].primary.endpoint : server->endpoint();
    Words words{"SET", marks_.back(), "here"};
    co_await ask_server(owner, words);
    ++index;
  }
}

asio::awaitable<void> CommandDriver::remove_marks() {
  size_t index = 0;
  const auto topology = co_await cluster::discover(context_.from->servers().front()->endpoint());
  for (const std::string& mark : marks_) {
    Words words{"DEL", mark};
    const net::Endpoint owner = topology.clustered ? topology.shards[index].primary.endpoint
                                                   : context_.from->primaries()[index]->endpoint();
    co_await ask_server(owner, words);
    ++index;
  }
}

asio::awaitable<std::string> CommandDriver::why_not_caught_up() {
  if (!child_->running())
    throw UserError(
        fmt::format("the tool ended: {}",
                    fixtures::last_lines(context_.directory / (context_.name + ".log"), 3)));
  if (marks_.empty()) co_await write_marks();
  for (const fixtures::Deployment* target : context_.to) {
    for (const std::string& mark : marks_) {
      if (!co_await has_key(target->client_endpoint(), mark))
        co_return fmt::format("the mark {} is not in {}", mark, target->options().name);
    }
  }
  co_return "";
}

asio::awaitable<void> CommandDriver::finish(milliseconds limit) {
  co_await remove_marks();
  std::string what = "the end of the marks in the target";
  co_await fixtures::poll_until(limit, what, [this]() -> asio::awaitable<std::string> {
    for (const fixtures::Deployment* target : context_.to) {
      for (const std::string& mark : marks_) {
        if (co_await has_key(target->client_endpoint(), mark)) co_return mark + " is there";
      }
    }
    co_return "";
  });
  co_await child_->terminate(milliseconds(10000));
}

}  // namespace lockstep::scenarios
