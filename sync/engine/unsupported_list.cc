#include "sync/engine/unsupported_list.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"

namespace lockstep::engine {

namespace {

using std::chrono::steady_clock;
constexpr int rest_for_each_write = 20;
constexpr std::chrono::seconds rest_after_failure{10};
/// A millisecond of the engine's only thread.
constexpr size_t keys_in_a_piece = 250;

std::string base64(Bytes text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

uint64_t revision_of(const std::vector<UnsupportedList::Part>& parts) {
  uint64_t sum = 0;
  for (const auto& part : parts) sum += part.keys->revision();
  return sum;
}

}  // namespace

/// The file that will be the list.
struct UnsupportedList::Writing {
  explicit Writing(const std::string& target) : path(target), file(part_path(), std::ios::trunc) {}
  std::string part_path() const { return path + ".part"; }
  /// As UnsupportedKeys::some().
  size_t piece(const Part& part, size_t place);
  /// Throws UserError.
  void end();

  std::string path;
  std::ofstream file;
};

size_t UnsupportedList::Writing::piece(const Part& part, size_t place) {
  const auto write = [&](DbIndex db, Bytes key, fence::Unsupported reason) {
    const nlohmann::ordered_json line{{"source", part.source},
                                      {"target", part.target},
                                      {"db", db.value},
                                      {"key", printable(key)},
                                      {"key_base64", base64(key)},
                                      {"reason", fence::unsupported_name(reason)}};
    file << line.dump() << '\n';
  };
  return part.keys->some(place, keys_in_a_piece, write);
}

void UnsupportedList::Writing::end() {
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(part_path(), path, failed);
  if (!file || failed)
    throw UserError(
        fmt::format("the list of left out keys cannot be written to {}: free space there, or give "
                    "another place with --unsupported-list",
                    path));
}

void UnsupportedList::require_place() const {
  if (path_.empty()) return;
  const std::string part_path = path_ + ".part";
  std::ofstream file(part_path, std::ios::app);
  std::error_code ignored;
  if (file && !std::filesystem::is_directory(path_)) {
    std::filesystem::remove(part_path, ignored);
    return;
  }
  throw UserError(
      fmt::format("the list of left out keys cannot be written to {}: give another "
                  "place with --unsupported-list",
                  path_));
}

boost::asio::awaitable<void> UnsupportedList::write_beside_others(std::vector<Part> parts) {
  const auto executor = co_await boost::asio::this_coro::executor;
  Writing writing(path_);
  size_t at = 0, place = 0;
  while (at < parts.size()) {
    const UnsupportedKeys& keys = *parts[at].keys;
    const size_t places = keys.places();
    place = writing.piece(parts[at], place);
    if (place == 0) ++at;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    if (place == 0 || places == keys.places()) continue;
    // The keys lie elsewhere now: all anew.
    writing = Writing(path_);
    at = place = 0;
  }
  writing.end();
}

boost::asio::awaitable<void> UnsupportedList::refresh(std::vector<Part> parts) {
  const uint64_t revision = revision_of(parts);
  if (path_.empty() || revision == written_ || steady_clock::now() < not_before_) co_return;
  const auto begin = steady_clock::now();
  steady_clock::duration rest{};
  try {
    co_await write_beside_others(std::move(parts));
    written_ = revision;
  } catch (const UserError& error) {
    spdlog::warn("{}; trying again", error.what());
    rest = rest_after_failure;
  }
  const auto end = steady_clock::now();
  not_before_ = end + std::max(rest, rest_for_each_write * (end - begin));
}

void UnsupportedList::finish(const std::vector<Part>& parts) {
  const uint64_t revision = revision_of(parts);
  if (path_.empty() || revision == written_) return;
  Writing writing(path_);
  for (const Part& part : parts) {
    for (size_t place = writing.piece(part, 0); place != 0;) place = writing.piece(part, place);
  }
  writing.end();
  written_ = revision;
}

}  // namespace lockstep::engine
