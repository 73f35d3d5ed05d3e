#include "sync/engine/unsupported_list.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"

namespace lockstep::engine {

namespace {

using std::chrono::steady_clock;
constexpr int rest_for_each_write = 20;

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

void UnsupportedList::refresh(const std::vector<Part>& parts) {
  if (steady_clock::now() >= not_before_) finish(parts);
}

void UnsupportedList::finish(const std::vector<Part>& parts) {
  const uint64_t revision = revision_of(parts);
  if (path_.empty() || revision == written_) return;
  const auto begin = steady_clock::now();
  write(parts);
  written_ = revision;
  const auto end = steady_clock::now();
  not_before_ = end + rest_for_each_write * (end - begin);
}

void UnsupportedList::write(const std::vector<Part>& parts) {
  const std::string part_path = path_ + ".part";
  std::ofstream file(part_path, std::ios::trunc);
  for (const Part& part : parts) {
    part.keys->each([&](DbIndex db, Bytes key, fence::Unsupported reason) {
      const nlohmann::ordered_json line{{"source", part.source},
                                        {"target", part.target},
                                        {"db", db.value},
                                        {"key", printable(key)},
                                        {"key_base64", base64(key)},
                                        {"reason", fence::unsupported_name(reason)}};
      file << line.dump() << '\n';
      return true;
    });
  }
  file.close();
  std::error_code failed;
  if (file) std::filesystem::rename(part_path, path_, failed);
  if (!file || failed)
    throw UserError(
        fmt::format("the list of left out keys cannot be written to {}: give another "
                    "place with --unsupported-list",
                    path_));
}

}  // namespace lockstep::engine
