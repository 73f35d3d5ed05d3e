#include "sync/rdb/loadable_form.h"

#include <array>

#include "sync/base/error.h"
#include "sync/rdb/cursor.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::rdb {
namespace {

/// Copies a stream from one layout to an older one, part by part; see `type_table`.
class StreamCopy {
 public:
  StreamCopy(Bytes value, unsigned from, unsigned to, std::string& out)
      : cursor_(value), from_(from), to_(to), out_(out) {}

  void run() {
    each(&StreamCopy::node);
    lengths(3, true);
    if (from_ >= 2) lengths(5, to_ >= 2);
    each(&StreamCopy::group);
    if (!cursor_.ok() || !cursor_.at_end())
      throw FormatError(cursor_.position(), "a stream that does not end where it should");
  }

 private:
  void keep(const char* mark) { out_.append(cursor_.since(mark)); }
  void each(void (StreamCopy::*part)()) {
    const char* mark = cursor_.mark();
    uint64_t left = cursor_.length();
    keep(mark);
    for (; left > 0 && cursor_.ok(); --left) (this->*part)();
  }
  void lengths(int count, bool kept) {
    const char* mark = cursor_.mark();
    for (; count > 0; --count) cursor_.length();
    if (kept) keep(mark);
  }
  void node() {
    const char* mark = cursor_.mark();
    cursor_.skip_string();
    cursor_.skip_string();
    keep(mark);
  }
  void group() {
    const char* mark = cursor_.mark();
    cursor_.skip_string();
    keep(mark);
    lengths(2, true);
    if (from_ >= 2) lengths(1, to_ >= 2);
    each(&StreamCopy::pending);
    each(&StreamCopy::consumer);
  }
  void pending() {
    const char* mark = cursor_.mark();
    cursor_.skip(24);
    cursor_.length();
    keep(mark);
  }
  void consumer() {
    const char* mark = cursor_.mark();
    cursor_.skip_string();
    cursor_.skip(8);
    keep(mark);
    mark = cursor_.mark();
    if (from_ >= 3) cursor_.skip(8);
    if (to_ >= 3) keep(mark);
    each(&StreamCopy::pending_of_consumer);
  }
  void pending_of_consumer() {
    const char* mark = cursor_.mark();
    cursor_.skip(16);
    keep(mark);
  }

  Cursor cursor_;
  unsigned from_;
  unsigned to_;
  std::string& out_;
};

bool loads(const LoadableVersions& versions, ValueType type) {
  const auto version = lowest_version_for(type);
  return version && *version < versions.size() && versions.test(*version);
}

}  // namespace

std::optional<LoadableForm> loadable_form(ValueType type, Bytes value,
                                          const LoadableVersions& versions, std::string& scratch) {
  if (loads(versions, type)) return LoadableForm{type, value, *lowest_version_for(type)};
  if (type_info(type).kind != Kind::stream || !lowest_version_for(type)) return std::nullopt;
  const unsigned from = type_info(type).stream_version;
  for (ValueType older = type; older-- > 0;) {
    const TypeInfo& info = type_info(older);
    if (info.layout != Layout::stream || !loads(versions, older)) continue;
    scratch.clear();
    StreamCopy(value, from, info.stream_version, scratch).run();
    return LoadableForm{older, scratch, *lowest_version_for(older)};
  }
  return std::nullopt;
}

}  // namespace lockstep::rdb
