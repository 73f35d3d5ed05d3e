#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "sync/engine/unsupported.h"

namespace lockstep::engine {

/// The file that lists the keys which a target cannot hold, as they are now: a JSON object a line,
///
///     {"source":"…","target":"…","db":0,"key":"printable","key_base64":"…","reason":"streams"}
///
/// `verify --keys` takes it. Replaced as a whole, by rename.
class UnsupportedList {
 public:
  struct Part {
    std::string source;
    std::string target;
    const UnsupportedKeys* keys = nullptr;
  };

  /// An empty path: nothing is written.
  explicit UnsupportedList(std::string path) : path_(std::move(path)) {}

  /// Throws UserError if no file can be written there.
  void require_place() const;
  /// Writes it anew if keys have changed, but not so often that it takes more than a twentieth of
  /// the time. In pieces, between which others run: keys that come and go meanwhile may be there or
  /// not, and the next refresh() sees them. What fails is warned of, and tried again later.
  boost::asio::awaitable<void> refresh(std::vector<Part> parts);
  /// Writes it, if keys have changed. Throws UserError.
  void finish(const std::vector<Part>& parts);

 private:
  struct Writing;
  boost::asio::awaitable<void> write_beside_others(std::vector<Part> parts);

  std::string path_;
  uint64_t written_ = UINT64_MAX;  ///< the sum of the revisions that the file shows; none yet
  std::chrono::steady_clock::time_point not_before_{};
};

}  // namespace lockstep::engine
