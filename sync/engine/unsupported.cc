#include "sync/engine/unsupported.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <utility>

#include "sync/base/error.h"

namespace lockstep::engine {

namespace {

std::string id_of(DbIndex db, Bytes key) {
  std::string id(sizeof db.value, '\0');
  std::memcpy(id.data(), &db.value, sizeof db.value);
  return id.append(key);
}

DbIndex db_of(const std::string& id) {
  DbIndex db;
  std::memcpy(&db.value, id.data(), sizeof db.value);
  return db;
}

Bytes key_of(const std::string& id) { return Bytes(id).substr(sizeof(DbIndex::value)); }

}  // namespace

void UnsupportedKeys::add(DbIndex db, Bytes key, const fence::UnsupportedValue& why) {
  if (policy_ == OnUnsupported::stop)
    throw UserError(fmt::format(
        "{}; or leave such keys out, counted and listed, with --unsupported report", why.what()));
  if (keys_.size() >= keys_max)
    throw UserError(
        fmt::format("the target cannot hold more than {} keys of the source, which is as many as "
                    "are kept track of: {}",
                    format_count(keys_max), why.what()));
  const auto [found, added] = keys_.emplace(id_of(db, key), why.reason());
  if (!added && found->second == why.reason()) return;
  if (!added) --counts_[static_cast<size_t>(found->second)];
  found->second = why.reason();
  if (counts_[static_cast<size_t>(why.reason())]++ == 0)
    spdlog::warn("left out: {}; further ones are only counted and listed", why.what());
  ++revision_;
}

void UnsupportedKeys::add_function() {
  constexpr const char* why =
      "the source has a function library, and the target has no functions: use a target of Redis "
      "7.0 or newer";
  if (policy_ == OnUnsupported::stop)
    throw UserError(fmt::format("{}; or leave it out with --unsupported report", why));
  if (functions_++ == 0) spdlog::warn("left out: {}", why);
}

void UnsupportedKeys::remove(DbIndex db, Bytes key) {
  if (keys_.empty()) return;
  const auto found = keys_.find(id_of(db, key));
  if (found == keys_.end()) return;
  --counts_[static_cast<size_t>(found->second)];
  keys_.erase(found);
  ++revision_;
}

bool UnsupportedKeys::contains(DbIndex db, Bytes key) const {
  return !keys_.empty() && keys_.contains(id_of(db, key));
}

bool UnsupportedKeys::is_stream(DbIndex db, Bytes key) const {
  const auto found = keys_.empty() ? keys_.end() : keys_.find(id_of(db, key));
  return found != keys_.end() && found->second == fence::Unsupported::streams;
}

void UnsupportedKeys::clear() {
  erase_if([](DbIndex) { return true; });
}

void UnsupportedKeys::clear(DbIndex db) {
  erase_if([db](DbIndex of) { return of == db; });
}

void UnsupportedKeys::erase_if(const std::function<bool(DbIndex)>& gone) {
  for (auto key = keys_.begin(); key != keys_.end();) {
    if (!gone(db_of(key->first))) {
      ++key;
      continue;
    }
    --counts_[static_cast<size_t>(key->second)];
    key = keys_.erase(key);
    ++revision_;
  }
}

void UnsupportedKeys::swap(DbIndex a, DbIndex b) {
  for (auto& [id, reason] : std::exchange(keys_, {})) {
    const DbIndex db = db_of(id);
    keys_.emplace(id_of(db == a ? b : db == b ? a : db, key_of(id)), reason);
  }
  ++revision_;
}

void UnsupportedKeys::each(
    const std::function<bool(DbIndex, Bytes, fence::Unsupported)>& visit) const {
  for (const auto& [id, reason] : keys_) {
    if (!visit(db_of(id), key_of(id), reason)) return;
  }
}

size_t UnsupportedKeys::some(
    size_t place, size_t count,
    const std::function<void(DbIndex, Bytes, fence::Unsupported)>& visit) const {
  for (size_t visited = 0; place < places() && visited < count; ++place) {
    for (auto key = keys_.begin(place); key != keys_.end(place); ++key, ++visited)
      visit(db_of(key->first), key_of(key->first), key->second);
  }
  return place < places() ? place : 0;
}

}  // namespace lockstep::engine
