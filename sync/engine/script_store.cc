#include "sync/engine/script_store.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace lockstep::engine {

std::string sha1_hex(Bytes data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string ScriptStore::add(Bytes body) {
  std::string sha1 = sha1_hex(body);
  if (!bodies_.emplace(sha1, body).second) return sha1;
  order_.push_back(sha1);
  bytes_ += body.size();
  while (bytes_ > bytes_max_ && order_.size() > 1) {
    const auto oldest = bodies_.find(order_.front());
    bytes_ -= oldest->second.size();
    bodies_.erase(oldest);
    order_.pop_front();
  }
  return sha1;
}

const std::string* ScriptStore::find(const std::string& sha1) const {
  const auto found = bodies_.find(sha1);
  return found == bodies_.end() ? nullptr : &found->second;
}

void ScriptStore::clear() {
  bodies_.clear();
  order_.clear();
  bytes_ = 0;
}

}  // namespace lockstep::engine
