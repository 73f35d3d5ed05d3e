#include "verifier/matcher.h"

#include <algorithm>

#include "verifier/join.h"

namespace lockstep::verifier {

namespace {

/// A half for the keys of both sides, the rest for bringing them together and for the candidates.
constexpr size_t ledger_share = 4;
constexpr size_t join_share = 4;
constexpr size_t candidates_share = 8;
/// Of a candidate beside its name, here and while it is read again.
constexpr size_t candidate_bytes = 512;

std::optional<FilePlace> place(const KeyEntry* entry) {
  if (!entry || !entry->offset) return std::nullopt;
  return FilePlace{entry->node, *entry->offset};
}

Candidate candidate(const KeyEntry* source, const KeyEntry* target) {
  const KeyEntry& entry = source ? *source : *target;
  return {.db = entry.db,
          .key = std::string(entry.key),
          .located = true,
          .places = {place(source), place(target)}};
}

/// A key that was given twice is in more than one place.
std::vector<Candidate> each_once(std::vector<Candidate> candidates) {
  std::sort(candidates.begin(), candidates.end());
  std::vector<Candidate> result;
  for (Candidate& each : candidates) {
    if (!result.empty() && result.back().db == each.db && result.back().key == each.key) {
      result.back().located = false;
    } else {
      result.push_back(std::move(each));
    }
  }
  return result;
}

std::filesystem::path ledger_path(const std::filesystem::path& state, SideName side) {
  return state.string() + (side == SideName::source ? ".source" : ".target");
}

size_t index(SideName side) { return static_cast<size_t>(side); }

}  // namespace

Matcher::Matcher(MatcherOptions options) : options_(std::move(options)) {
  for (auto& ledger : ledgers_) {
    ledger =
        std::make_unique<Ledger>(options_.memory_bytes / ledger_share, options_.spill_directory);
  }
}

uint64_t Matcher::write_out(SideName side) { return ledgers_[index(side)]->write_out(); }

void Matcher::resume(SideName side, uint64_t seen, uint64_t ledger_bytes) {
  seen_[index(side)] = seen;
  ledgers_[index(side)]->resume(ledger_path(options_.state, side), ledger_bytes);
}

void Matcher::remove_files() const {
  for (const SideName side : {SideName::source, SideName::target}) {
    std::error_code ignored;
    std::filesystem::remove(ledger_path(options_.state, side), ignored);
  }
}

void Matcher::clear() {
  *this = Matcher(MatcherOptions(options_));
  if (options_.state.empty()) return;
  for (const SideName side : {SideName::source, SideName::target}) resume(side, 0, 0);
}

void Matcher::resume_join(size_t next_partition, uint64_t distinct) {
  next_partition_ = next_partition;
  distinct_ = distinct;
}

bool Matcher::is_stray(const Side& side, size_t node, DbIndex db, Bytes key) {
  if (side.serves(node, key)) return false;
  strays_.push_back({side.name(), node, db, std::string(key)});
  return true;
}

void Matcher::put(SideName side, const KeyEntry& entry) {
  ledgers_[index(side)]->add(entry, entry.hash());
}

void Matcher::add_unread(const Side& side, size_t node, DbIndex db, Bytes key) {
  if (is_stray(side, node, db, key)) return;
  KeyEntry entry;
  entry.db = db;
  entry.key = key;
  entry.node = static_cast<uint32_t>(node);
  entry.unread = true;
  put(side.name(), entry);
}

void Matcher::add(const Side& side, size_t node, const KeySeen& seen) {
  ++seen_[index(side.name())];
  if (is_stray(side, node, seen.db, seen.key)) return;
  put(side.name(), {.db = seen.db,
                    .key = seen.key,
                    .digest = seen.digest,
                    .kind = seen.kind,
                    .expire_at = seen.expire_at,
                    .node = static_cast<uint32_t>(node),
                    .unread = false,
                    .offset = seen.offset});
}

size_t Matcher::memory_bytes() const {
  return ledgers_[0]->memory_bytes() + ledgers_[1]->memory_bytes();
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
