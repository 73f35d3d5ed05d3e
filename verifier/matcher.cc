#include "verifier/matcher.h"

#include <algorithm>

#include "sync/base/own_keys.h"
#include "verifier/join.h"

namespace lockstep::verifier {

namespace {

/// A half for the keys of both sides, the rest for bringing them together and for the candidates.
constexpr size_t ledger_share = 4;
constexpr size_t join_share = 4;
constexpr size_t candidates_share = 8;
constexpr size_t strays_share = 32;
/// Of a candidate beside its name, here and while it is read again.
constexpr size_t candidate_bytes = 512;

std::optional<FilePlace> place(const KeyEntry* entry) {
  if (!entry || !entry->offset) return std::nullopt;
  return FilePlace{entry->node, *entry->offset};
}

std::optional<SeenState> state(const KeyEntry* entry) {
  if (!entry) return std::nullopt;
  return SeenState{entry->digest, entry->kind, entry->expire_at};
}

bool understood(const KeyEntry* entry) { return !entry || !entry->unread; }

Candidate candidate(const KeyEntry* source, const KeyEntry* target) {
  const KeyEntry& entry = source ? *source : *target;
  return {.db = entry.db,
          .key = std::string(entry.key),
          .located = true,
          .places = {place(source), place(target)},
          .seen_whole = understood(source) && understood(target),
          .seen = {state(source), state(target)}};
}

/// A key that was given twice is in more than one place.
std::vector<Candidate> each_once(std::vector<Candidate> candidates) {
  std::sort(candidates.begin(), candidates.end());
  std::vector<Candidate> result;
  for (Candidate& each : candidates) {
    if (!result.empty() && result.back().db == each.db && result.back().key == each.key) {
      result.back().located = result.back().seen_whole = false;
    } else {
      result.push_back(std::move(each));
    }
  }
  return result;
}

std::filesystem::path ledger_path(const std::filesystem::path& state, SideName side) {
  return state.string() + (side == SideName::source ? ".source" : ".target");
}

std::filesystem::path strays_path(const std::filesystem::path& state, SideName side) {
  return ledger_path(state, side).string() + ".strays";
}

size_t index(SideName side) { return static_cast<size_t>(side); }

}  // namespace

Matcher::Matcher(MatcherOptions options) : options_(std::move(options)) {
  for (const SideName side : {SideName::source, SideName::target}) make_ledgers(side);
}

void Matcher::make_ledgers(SideName side) {
  const auto make = [this](size_t share) {
    return std::make_unique<Ledger>(options_.memory_bytes / share, options_.spill_directory);
  };
  ledgers_[index(side)] = make(ledger_share);
  strays_[index(side)] = make(strays_share);
}

Matcher::Kept Matcher::write_out(SideName side) {
  return {.seen = seen(side),
          .ledger_bytes = ledgers_[index(side)]->write_out(),
          .stray_bytes = strays_[index(side)]->write_out()};
}

void Matcher::resume(SideName side, const Kept& kept) {
  seen_[index(side)] = kept.seen;
  ledgers_[index(side)]->resume(ledger_path(options_.state, side), kept.ledger_bytes);
  strays_[index(side)]->resume(strays_path(options_.state, side), kept.stray_bytes);
}

void Matcher::remove_files() const {
  for (const SideName side : {SideName::source, SideName::target}) {
    std::error_code ignored;
    std::filesystem::remove(ledger_path(options_.state, side), ignored);
    std::filesystem::remove(strays_path(options_.state, side), ignored);
  }
}

void Matcher::clear() {
  next_partition_ = memory_max_ = 0;
  distinct_ = 0;
  for (const SideName side : {SideName::source, SideName::target}) {
    make_ledgers(side);
    seen_[index(side)] = own_keys_[index(side)] = 0;
    if (!options_.state.empty()) resume(side, {});
  }
}

void Matcher::read_strays(const OnStray& on_stray) const {
  for (const SideName side : {SideName::source, SideName::target}) {
    for (size_t partition = 0; partition < Ledger::partition_count; ++partition) {
      strays_[index(side)]->read(partition, [&](Bytes entries, bool) {
        KeyEntry entry;
        for (const char* at = entries.data(); at != entries.data() + entries.size();) {
          at = read_entry(at, entry);
          on_stray(side, entry);
        }
      });
    }
  }
}

void Matcher::forget_strays() {
  for (const SideName side : {SideName::source, SideName::target}) {
    strays_[index(side)] =
        std::make_unique<Ledger>(options_.memory_bytes / strays_share, options_.spill_directory);
    if (!options_.state.empty()) strays_[index(side)]->resume(strays_path(options_.state, side), 0);
  }
}

void Matcher::resume_join(size_t next_partition, uint64_t distinct) {
  next_partition_ = next_partition;
  distinct_ = distinct;
}

void Matcher::put(const Side& side, const KeyEntry& entry) {
  auto& ledgers = side.serves(entry.node, entry.key) ? ledgers_ : strays_;
  ledgers[index(side.name())]->add(entry, entry.hash());
}

void Matcher::add_unread(const Side& side, size_t node, DbIndex db, Bytes key) {
  if (is_own_key(key)) return;
  KeyEntry entry;
  entry.db = db;
  entry.key = key;
  entry.node = static_cast<uint32_t>(node);
  entry.unread = true;
  put(side, entry);
}

void Matcher::add(const Side& side, size_t node, const KeySeen& seen) {
  seen_[index(side.name())].fetch_add(1, std::memory_order_relaxed);
  if (is_own_key(seen.key)) {
    ++own_keys_[index(side.name())];
    return;
  }
  put(side, {.db = seen.db,
             .key = seen.key,
             .digest = seen.digest,
             .kind = seen.kind,
             .expire_at = seen.expire_at,
             .node = static_cast<uint32_t>(node),
             .unread = false,
             .offset = seen.offset});
}

size_t Matcher::memory_bytes() const {
  return ledgers_[0]->memory_bytes() + ledgers_[1]->memory_bytes() + strays_[0]->memory_bytes() +
         strays_[1]->memory_bytes();
}

uint64_t Matcher::spilled_bytes() const {
  return ledgers_[0]->spilled_bytes() + ledgers_[1]->spilled_bytes();
}

std::vector<Candidate> Matcher::take_candidates() {
  std::vector<Candidate> candidates;
  size_t bytes = 0;
  Join join(*ledgers_[0], *ledgers_[1], options_.tolerance,
            [&](const KeyEntry* source, const KeyEntry* target) {
              const KeyEntry& entry = source ? *source : *target;
              bytes += candidate_bytes + entry.key.size();
              candidates.push_back(candidate(source, target));
            });
  while (next_partition_ < Ledger::partition_count &&
         (candidates.empty() || bytes < options_.memory_bytes / candidates_share)) {
    distinct_ += join.run(next_partition_, options_.memory_bytes / join_share);
    memory_max_ = std::max(memory_max_, memory_bytes() + join.memory_bytes_max());
    for (auto& ledger : ledgers_) ledger->drop(next_partition_);
    ++next_partition_;
  }
  return each_once(std::move(candidates));
}

}  // namespace lockstep::verifier
