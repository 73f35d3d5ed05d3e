#include "verifier/repairer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sync/base/error.h"
#include "verifier/parallel.h"
#include "verifier/settle.h"

namespace lockstep::verifier {

namespace {

using Action = RepairStep::Action;

constexpr size_t batch_keys_max = 64;
constexpr size_t first_batch_keys = 8;
constexpr size_t batch_bytes = 16 << 20;
constexpr int attempts_max = 6;
constexpr milliseconds first_pause{100};

RepairStep impossible(std::string why) { return {Action::impossible, std::move(why), 0}; }

size_t payload_bytes(const Reading& reading) {
  return reading.payload ? reading.payload->size() : 0;
}

}  // namespace

RepairStep repair_step(DiffClass diff_class, const Reading& source, const Reading& target,
                       const std::vector<size_t>& target_holders, const Tolerance& tolerance) {
  if (diff_class == DiffClass::misplaced || source.nodes.size() > 1 || target.nodes.size() > 1)
    return impossible(
        "a node holds it that does not own its slot, where no command reaches it: by hand, at that "
        "node, CLUSTER SETSLOT <slot> IMPORTING <the owner's id>, ASKING, UNLINK of the key, "
        "CLUSTER SETSLOT <slot> STABLE; of several servers behind a proxy, UNLINK at those that "
        "are wrong");
  if (target.nodes.empty() && target_holders.size() > 1)
    return impossible(
        "which of the servers behind a Twemproxy should hold the key is for the proxy to say");
  const size_t node = target.nodes.empty() ? target_holders.front() : target.nodes.front();
  if (source.payload) {
    const Outcome outcome = compare(source, target, tolerance).outcome;
    if (outcome == Outcome::unverifiable) return impossible("a value that cannot be understood");
    return {outcome == Outcome::equal ? Action::none : Action::write, "", node};
  }
  if (!target.payload) return {Action::none, "", node};
  if (diff_class == DiffClass::extra) return {Action::remove, "", node};
  return impossible("the source has lost the key since: verify again");
}

Repairer::Repairer(Side& source, Side& target, const VerifyOptions& options,
                   const RepairOptions& repair, RepairReport& report)
    : source_(source),
      target_(target),
      options_(options),
      repair_(repair),
      report_(report),
      tolerance_{options.expiry_tolerance, options.expiry_grace},
      batch_keys_(first_batch_keys) {
  tolerance_.entries_read = replicates_entries_read(source);
  if (!options.engine.empty() && !repair.dry_run) engine_.emplace(options.engine, options.max_hold);
}

asio::awaitable<void> Repairer::run(DiffReader& differences) {
  for (;;) {
    std::vector<Difference> batch = next_batch(differences);
    if (batch.empty()) break;
    const size_t count = batch.size();
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    sent_.clear();
    co_await patiently([this, &batch] { return try_to_mend(batch); });
    co_await keep_rate(count, begin);
  }
  co_await patiently([this] { return mend_functions(); });
}

asio::awaitable<void> Repairer::patiently(Attempt attempt) {
  for (int failures = 0;; ++failures) {
    std::string failure;
    try {
      co_await attempt();
    } catch (const ConnectionError& error) {  // a slot that moved, a server that loads
      failure = error.what();
    }
    if (failure.empty()) co_return;
    if (failures == attempts_max) throw ConnectionError(failure);
    co_await pause_for(first_pause * (1 << failures));
    co_await target_.refresh();
    if (engine_) co_await source_.refresh();
  }
}

asio::awaitable<void> Repairer::try_to_mend(std::vector<Difference>& batch) {
  if (engine_) {
    co_await mend_held(batch);
  } else {
    co_await mend(batch);
  }
}

asio::awaitable<void> Repairer::keep_rate(size_t keys,
                                          std::chrono::steady_clock::time_point begin) {
  if (repair_.dry_run || repair_.rate == 0) co_return;
  const milliseconds due(static_cast<int64_t>(keys * 1000 / repair_.rate));
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  if (took < due) co_await pause_for(due - took);
}

std::vector<Difference> Repairer::next_batch(DiffReader& differences) {
  std::vector<Difference> batch;
  while (batch.size() < batch_keys_) {
    auto line = differences.next();
    if (!line) break;
    if (line->status != "different") continue;
    if (line->difference.diff_class == DiffClass::function) {
      libraries_[line->difference.key] = line->difference.source_type == "none";
    } else {
      batch.push_back(std::move(line->difference));
    }
  }
  return batch;
}

asio::awaitable<std::vector<Repairer::Item>> Repairer::plan(std::vector<Difference> batch) {
  std::vector<Candidate> keys;
  for (const Difference& each : batch) keys.push_back({each.db, each.key});
  std::vector<Reading> sources = co_await read_keys(source_, keys);
  std::vector<Reading> targets = co_await read_keys(target_, keys);
  std::vector<Item> items;
  for (size_t i = 0; i < batch.size(); ++i)
    items.push_back(plan_one(std::move(batch[i]), std::move(sources[i]), std::move(targets[i])));
  fit_batch(items);
  co_return items;
}

Repairer::Item Repairer::plan_one(Difference difference, Reading source, Reading target) const {
  RepairStep step = repair_step(difference.diff_class, source, target,
                                target_.holders(difference.key), tolerance_);
  return {std::move(difference), std::move(step), std::move(source), std::move(target)};
}

void Repairer::fit_batch(const std::vector<Item>& items) {
  size_t largest = 1;
  for (const Item& item : items)
    largest = std::max({largest, payload_bytes(item.source), payload_bytes(item.target)});
  batch_keys_ = std::clamp<size_t>(batch_bytes / largest, 1, batch_keys_max);
}

asio::awaitable<void> Repairer::mend(std::vector<Difference> batch) {
  const RepairReport before = report_;
  std::exception_ptr failure;
  try {
    std::vector<Item> items = co_await plan(std::move(batch));
    co_await carry_out(std::move(items));
  } catch (const ConnectionError&) {  // done again
    failure = std::current_exception();
  }
  if (!failure) co_return;
  take_back(before);
  std::rethrow_exception(failure);
}

void Repairer::take_back(const RepairReport& before) {
  const std::filesystem::path journal = report_.journal;
  report_ = before;
  report_.journal = journal;
}

void Repairer::count(Action action) {
  ++(action == Action::write    ? report_.written
     : action == Action::remove ? report_.removed
                                : report_.agreed);
}

asio::awaitable<void> Repairer::carry_out(std::vector<Item> items) {
  std::map<std::pair<size_t, DbIndex>, std::vector<Item>> by_node;
  for (Item& item : items) {
    switch (item.step.action) {
      case Action::none: {
        const auto sent = sent_.find({item.difference.db, item.difference.key});
        count(sent == sent_.end() ? Action::none : sent->second);
        break;
      }
      case Action::impossible:
        leave(item.difference.key, item.step.why);
        break;
      case Action::write:
      case Action::remove:
        by_node[{item.step.node, item.difference.db}].push_back(std::move(item));
    }
  }
  for (auto& [where, some] : by_node) {
    if (repair_.dry_run) {
      for (const Item& item : some) count(item.step.action);
    } else {
      co_await write(std::move(some), where.first, where.second);
    }
  }
}

void Repairer::leave(const std::string& key, const std::string& why) {
  if (report_.left++ == 0) report_.left_why = fmt::format("\"{}\": {}", printable(key), why);
}

fence::FencedKey Repairer::wanted(const Item& item) const {
  fence::FencedKey key{item.difference.key, std::nullopt, std::nullopt, {}};
  if (item.step.action == Action::remove) return key;
  key.dump_payload = item.source.payload;
  if (item.source.expire_at)
    key.expire_at = ExpireAt{item.source.expire_at->ms + options_.expiry_grace.count()};
  return key;
}

JournalEntry Repairer::entry_of(const Item& item) const {
  const fence::FencedKey key = wanted(item);
  return {item.difference.db,  item.difference.key,   item.difference.diff_class,
          item.target.payload, item.target.expire_at, held_state(key.dump_payload, key.expire_at)};
}

void Repairer::open_journal() {
  if (journal_) return;
  std::vector<std::string> urls;
  for (const std::string& url : options_.to) urls.push_back(net::url_without_password(url));
  journal_ = std::make_unique<JournalWriter>(options_.report, urls);
  report_.journal = journal_->path();
}

asio::awaitable<void> Repairer::write(std::vector<Item> items, size_t node, DbIndex db) {
  open_journal();
  std::vector<fence::FencedKey> keys;
  for (const Item& item : items) {
    journal_->add(entry_of(item));
    keys.push_back(wanted(item));
    sent_[{db, item.difference.key}] = item.step.action;
  }
  journal_->sync();
  if (engine_) co_await engine_->require_time_left();
  const WriteOutcome outcome =
      co_await write_keys(target_.node(node), db, std::move(keys), target_.now_ms(node));
  if (!outcome.rebuilt.empty()) co_await journal_rebuilt(items, outcome.rebuilt);
  if (outcome.may_pass) throw ConnectionError(outcome.failure);
  if (outcome.written == items.size()) {
    for (const Item& item : items) count(item.step.action);
  } else {
    report_.written += outcome.written;
  }
  if (!outcome.failure.empty()) throw UserError(outcome.failure);
}

/// Commands may make another value than the payload: what undo may overwrite is read.
asio::awaitable<void> Repairer::journal_rebuilt(std::vector<Item> items,
                                                std::vector<size_t> rebuilt) {
  for (const size_t place : rebuilt) {
    const Item& item = items[place];
    const std::vector<Candidate> keys{{item.difference.db, item.difference.key}};
    const std::vector<Reading> now = co_await read_keys(target_, keys);
    JournalEntry entry = entry_of(item);
    entry.written = held_state(now[0].payload, now[0].expire_at);
    journal_->add(entry);
  }
  journal_->sync();
}

}  // namespace lockstep::verifier
