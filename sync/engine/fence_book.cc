#include "sync/engine/fence_book.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lockstep::engine {

std::string FenceBook::name(DbIndex db, Bytes key) {
  std::string name(sizeof db.value, '\0');
  std::memcpy(name.data(), &db.value, sizeof db.value);
  return name.append(key);
}

DbIndex FenceBook::db_of(const std::string& name) {
  DbIndex db;
  std::memcpy(&db.value, name.data(), sizeof db.value);
  return db;
}

void FenceBook::add_pending(DbIndex db, Bytes key, Offset before) {
  if (pending_.empty()) pending_since_ = before;
  pending_.emplace(name(db, key), before);
}

bool FenceBook::is_pending(DbIndex db, Bytes key) const {
  return !pending_.empty() && pending_.contains(name(db, key));
}

std::map<DbIndex, std::vector<std::string>> FenceBook::pending_keys() const {
  std::map<DbIndex, std::vector<std::string>> keys;
  for (const auto& [name, before] : pending_) {
    keys[db_of(name)].push_back(name.substr(sizeof(DbIndex::value)));
  }
  return keys;
}

void FenceBook::set_fenced(DbIndex db, Bytes key, Offset at) {
  std::string id = name(db, key);
  fenced_[id] = at;
  order_.emplace_back(at, std::move(id));
}

Offset FenceBook::fenced_at(DbIndex db, Bytes key) const {
  if (fenced_.empty()) return Offset{-1};
  const auto found = fenced_.find(name(db, key));
  return found == fenced_.end() ? Offset{-1} : found->second;
}

bool FenceBook::covers(DbIndex db, Bytes key, Offset end) const {
  return fenced_at(db, key) >= end;
}

std::vector<FenceBook::Ahead> FenceBook::ahead_of(Offset offset) const {
  std::vector<Ahead> keys;
  for (const auto& [id, at] : fenced_) {
    if (at > offset) keys.push_back({db_of(id), id.substr(sizeof(DbIndex::value)), at});
  }
  return keys;
}

void FenceBook::pass(Offset offset) {
  while (!order_.empty() && order_.front().first <= offset) {
    const auto found = fenced_.find(order_.front().second);
    if (found != fenced_.end() && found->second <= offset) fenced_.erase(found);
    order_.pop_front();
  }
}

void FenceBook::fence_again(Offset before) {
  for (const auto& [id, at] : std::exchange(fenced_, {})) {
    add_pending(db_of(id), Bytes(id).substr(sizeof(DbIndex::value)), before);
  }
  order_.clear();
}

void FenceBook::fence_again_in(Offset before, const std::vector<DbIndex>& databases) {
  const auto among = [&](DbIndex db) {
    return std::find(databases.begin(), databases.end(), db) != databases.end();
  };
  const auto keys = fenced_;
  for (const auto& [id, at] : keys) {
    if (!among(db_of(id))) continue;
    fenced_.erase(id);
    for (const DbIndex db : databases)
      add_pending(db, Bytes(id).substr(sizeof(DbIndex::value)), before);
  }
}

}  // namespace lockstep::engine
