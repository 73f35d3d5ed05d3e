#include "sync/engine/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/cluster/discover.h"
#include "sync/engine/finalize.h"
#include "sync/engine/precheck.h"
#include "sync/engine/request_errors.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

using std::chrono::milliseconds;

namespace {

TargetOptions target_options(const SyncOptions& options) {
  TargetOptions result;
  result.outstanding_bytes_max = options.in_flight;
  result.retry_for = options.retry_for;
  return result;
}

}  // namespace

asio::awaitable<Source> find_source(std::vector<net::Endpoint> from, std::string declared) {
  Source source;
  if (from.size() > 1) {
    for (const net::Endpoint& endpoint : from) {
      const cluster::Topology topology = co_await cluster::discover(endpoint);
      require_topology(topology, "standalone", "source", endpoint.label());
    }
    source.slots.resize(from.size());
    source.shards = std::move(from);
    co_return source;
  }
  const cluster::Topology topology = co_await cluster::discover(from.front());
  require_topology(topology, declared, "source", from.front().label());
  require_covered(topology, "source");
  source.clustered = topology.clustered;
  for (const cluster::Shard& shard : topology.shards) {
    source.shards.push_back(topology.clustered ? shard.primary.endpoint : from.front());
    source.slots.push_back(topology.clustered ? shard.slots : std::vector<std::pair<Slot, Slot>>());
  }
  co_return source;
}

Pipeline::Pipeline(asio::any_io_executor executor, const SyncOptions& options, net::Endpoint target)
    : executor_(executor),
      options_(options),
      target_(executor, target, target_options(options)),
      target_endpoint_(std::move(target)) {}

LinkOptions Pipeline::link_options(size_t shard) const {
  LinkOptions link;
  link.source = source_.shards[shard];
  link.id = static_cast<uint16_t>(shard);
  link.slots = source_.slots[shard];
  link.spool = {.memory_bytes_max = options_.spool_memory / source_.shards.size(),
                .disk_bytes_max = options_.spool_disk_max,
                .directory = options_.spool_dir};
  link.planner.expiry_grace =
      options_.expiry == ExpiryMode::replica ? options_.expiry_grace : milliseconds(0);
  link.planner.publish = options_.publish && shard == 0;
  link.planner.only_link = source_.shards.size() == 1;
  link.unsupported = options_.unsupported;
  link.target_was_empty =
      options_.existing == ExistingData::stop && !options_.ignore.contains("target-empty");
  link.retry_for = options_.retry_for;
  return link;
}

asio::awaitable<void> Pipeline::prepare(Source source) {
  source_ = std::move(source);
  co_await target_.open(source_.shards.size());
  co_await precheck(options_, source_, target_);
  for (size_t shard = 0; shard < source_.shards.size(); ++shard) {
    links_.push_back(
        std::make_unique<SourceLink>(executor_, link_options(shard), target_, scripts_, *this));
  }
  source_offsets_.resize(links_.size());
}

asio::awaitable<void> Pipeline::open() {
  for (auto& link : links_) co_await link->open();
}

asio::awaitable<void> Pipeline::run() {
  tasks_ = std::make_unique<TaskGroup>(executor_, [this] { close(); });
  tasks_->spawn(target_.run());
  for (auto& link : links_) tasks_->spawn(link->run());
  co_await tasks_->join();
}

void Pipeline::close() {
  closed_ = true;
  held_ = false;
  for (auto& link : links_) link->close();
  target_.close();
}

bool Pipeline::streaming() const {
  return !links_.empty() && std::all_of(links_.begin(), links_.end(),
                                        [](const auto& link) { return link->streaming(); });
}

void Pipeline::shut_gate() {
  if (!std::exchange(gate_shut_, true)) target_.hold();
}

void Pipeline::open_gate() {
  if (std::exchange(gate_shut_, false)) target_.release();
}

void Pipeline::begin_hold() {
  if (!std::exchange(held_, true)) ++hold_number_;
  shut_gate();
}

asio::awaitable<void> Pipeline::await_held() { co_await target_.drain(); }

void Pipeline::release() {
  if (!std::exchange(held_, false)) return;
  ++hold_number_;
  for (auto& link : links_) link->go_on();
  open_gate();
  target_.progress().notify();
}

void Pipeline::require_hold(uint64_t number) const {
  if (!held_ || hold_number_ != number)
    throw UserError("the hold has ended: it was released, or its lease is over");
}

bool Pipeline::standing() const {
  return std::all_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->standing(); });
}

asio::awaitable<void> Pipeline::advance(std::vector<std::optional<Offset>> offsets) {
  const uint64_t hold = hold_number_;  // another one may have begun when this goes on
  require_hold(hold);
  if (!gate_shut_) throw UserError("the engine is advancing already");
  for (size_t i = 0; i < links_.size(); ++i) links_[i]->stop_at(offsets[i]);
  open_gate();
  while (held_ && hold_number_ == hold && !standing()) co_await target_.progress().wait();
  require_hold(hold);
  shut_gate();
  co_await target_.drain();
  require_hold(hold);
  for (auto& link : links_) {
    const std::string problem = link->stop_problem();
    if (!problem.empty()) throw UserError(problem);
  }
}

asio::awaitable<std::vector<Offset>> Pipeline::ask_offsets() {
  std::vector<Offset> offsets;
  for (auto& link : links_) offsets.push_back((co_await link->source_info()).master_repl_offset);
  co_return offsets;
}

asio::awaitable<void> Pipeline::refresh_source_offsets() {
  source_offsets_ = co_await ask_offsets();
}

asio::awaitable<void> Pipeline::await_progress() {
  if (closed_) throw Closed("the engine ends");
  co_await target_.progress().wait();
}

asio::awaitable<void> Pipeline::wait_applied(std::vector<Offset> offsets) {
  for (size_t i = 0; i < links_.size(); ++i) {
    while (links_[i]->applied() < offsets[i]) co_await await_progress();
  }
}

asio::awaitable<void> Pipeline::catch_up() {
  while (!streaming()) co_await await_progress();
  std::vector<Offset> offsets = co_await ask_offsets();
  co_await wait_applied(std::move(offsets));
}

asio::awaitable<void> Pipeline::finalize() {
  release();
  co_await catch_up();
  if (options_.expiry != ExpiryMode::replica) co_return;
  target_.hold();
  std::exception_ptr failure;
  try {
    co_await target_.drain();
    co_await write_exact_expiries(*this);
  } catch (...) {
    failure = std::current_exception();
  }
  target_.release();
  if (failure) std::rethrow_exception(failure);
  co_await catch_up();
}

asio::awaitable<void> Pipeline::drain(milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  for (auto& link : links_) {
    while (link->streaming() && link->applied() < link->received() &&
           std::chrono::steady_clock::now() < deadline) {
      co_await pause_for(executor_, milliseconds(5));
    }
  }
}

asio::awaitable<std::vector<std::string>> Pipeline::not_elsewhere(uint16_t link, DbIndex db,
                                                                  std::vector<std::string> keys) {
  for (auto& other : links_) {
    if (other->options().id == link || keys.empty()) continue;
    std::string requests;
    resp::append_command(requests, {"SELECT", std::to_string(db.value)});
    for (const std::string& key : keys) resp::append_command(requests, {"EXISTS", key});
    resp::append_command(requests, {"SELECT", "0"});
    const auto replies = co_await other->ask_source_many(std::move(requests), keys.size() + 2);
    if (lacks_database(replies.front())) continue;
    const std::string source = other->options().source.label();
    require_answers(std::span(replies).first(1), "SELECT", source);
    require_numbers(std::span(replies).subspan(1, keys.size()), "EXISTS", source);
    std::vector<std::string> left;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (replies[i + 1].integer == 0) left.push_back(std::move(keys[i]));
    }
    keys = std::move(left);
  }
  co_return keys;
}

asio::awaitable<std::set<std::string>> Pipeline::libraries(std::optional<uint16_t> except) {
  std::set<std::string> names;
  for (auto& link : links_) {
    if (link->options().id == except) continue;
    std::vector<std::string> list{"FUNCTION", "LIST"};
    const resp::Value reply = co_await link->ask_source(std::move(list));
    if (lacks_command(reply)) continue;
    if (reply.is_error())
      throw UserError(fmt::format("{} does not tell its functions: {}",
                                  link->options().source.label(), reply.text));
    names.merge(library_names(reply));
  }
  co_return names;
}

namespace {

UnsupportedStatus unsupported_of(const SourceLink& link) {
  const UnsupportedKeys& keys = link.unsupported();
  UnsupportedStatus status{.keys = keys.size(),
                           .streams = keys.count(fence::Unsupported::streams),
                           .field_expiry = keys.count(fence::Unsupported::field_expiry),
                           .modules = keys.count(fence::Unsupported::module),
                           .databases = keys.count(fence::Unsupported::database),
                           .functions = keys.functions(),
                           .commands = link.planner().left_out};
  keys.each([&](DbIndex db, Bytes key, fence::Unsupported reason) {
    status.examples.push_back({db, std::string(key), reason});
    return status.examples.size() < UnsupportedStatus::examples_max;
  });
  return status;
}

}  // namespace

std::vector<UnsupportedList::Part> Pipeline::unsupported() const {
  std::vector<UnsupportedList::Part> parts;
  for (const auto& link : links_)
    parts.push_back(
        {link->options().source.label(), target_endpoint_.label(), &link->unsupported()});
  return parts;
}

void Pipeline::report(Status& status) const {
  status.recoveries += target_.recoveries();
  status.failed_requests += target_.failed_units();
  if (!target_.last_failure().empty()) status.last_failure = target_.last_failure();
  status.held = status.held || held_;
  for (size_t i = 0; i < links_.size(); ++i) {
    const SourceLink& link = *links_[i];
    const LoaderCounters& loaded = link.loader();
    const PlannerCounters& planned = link.planner();
    status.links.push_back({.source = link.options().source.label(),
                            .target = target_endpoint_.label(),
                            .phase = phase_name(link.phase()),
                            .replid = link.replid(),
                            .source_offset = source_offsets_[i],
                            .received_offset = link.received(),
                            .applied_offset = link.applied(),
                            .delay_ms = link.delay().count(),
                            .bytes_received = link.bytes_received(),
                            .snapshot_bytes = link.snapshot_bytes(),
                            .snapshot_bytes_total = link.snapshot_size().value_or(0),
                            .keys_loaded = loaded.keys,
                            .keys_total = link.keys_total(),
                            .restored = loaded.restored,
                            .plain = loaded.plain,
                            .rebuilt = loaded.rebuilt,
                            .commands = planned.commands,
                            .transactions = planned.transactions,
                            .transactions_split = planned.transactions_split,
                            .merged_sets = planned.merged_sets,
                            .splits = planned.splits,
                            .fences = planned.fences,
                            .dropped = planned.dropped,
                            .rewritten = planned.rewritten,
                            .unknown = planned.unknown,
                            .unsupported = unsupported_of(link),
                            .reconnects = link.reconnects(),
                            .ahead = held_ ? link.ahead() : std::vector<FenceBook::Ahead>(),
                            .spool_bytes = link.spool().bytes(),
                            .spool_disk_bytes = link.spool().bytes_on_disk()});
  }
}

}  // namespace lockstep::engine
