#include "verifier/payload_digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

#include "sync/base/error.h"
#include "sync/rdb/digest.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/framer.h"

namespace lockstep::verifier {
namespace {

struct Value {
  rdb::ValueType type = 0;
  std::string bytes;
};

/// All of the files that servers saved.
std::vector<Value> values() {
  std::vector<Value> result;
  for (const auto& entry : std::filesystem::directory_iterator("sync/rdb/corpus/framer_fuzz")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("REDIS") && !name.starts_with("VALKEY")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    rdb::Framer framer;
    for (Bytes rest = text;;) {
      const rdb::Event event = framer.next(rest);
      if (std::holds_alternative<rdb::End>(event)) break;
      if (const auto* key = std::get_if<rdb::Entry>(&event))
        result.push_back({key->type, std::string(key->value)});
      rest.remove_prefix(framer.consumed());
    }
  }
  return result;
}

std::string payload_of(const Value& value) {
  std::string payload;
  rdb::append_dump_payload(payload, value.type, value.bytes, 10);
  return payload;
}

PayloadDigest::Value digest_of(Bytes payload, const std::vector<size_t>& sizes) {
  PayloadDigest digest(payload.size());
  for (size_t i = 0; !payload.empty(); ++i) {
    const size_t size = std::min(sizes[i % sizes.size()], payload.size());
    digest.add(payload.substr(0, size));
    payload.remove_prefix(size);
  }
  return digest.value();
}

RC_GTEST_PROP(PayloadDigest, is_that_of_the_whole_value_whatever_the_pieces, ()) {
  static const std::vector<Value> all = values();
  RC_ASSERT(all.size() > 50u);
  const Value value = *rc::gen::elementOf(all);
  const auto sizes =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 300)));
  const PayloadDigest::Value digest = digest_of(payload_of(value), sizes);
  RC_ASSERT(digest.digest == rdb::value_digest(value.type, value.bytes).low);
  RC_ASSERT(digest.kind == *rdb::kind_of(value.type));
}

TEST(PayloadDigest, AValueThatIsCutByItself) {
  Value list{.type = 1, .bytes = std::string("\x80\x00\x00\x40\x00", 5)};  // 16384 items
  for (int i = 0; i < 16384; ++i) list.bytes += "\x43\xe8" + std::string(1000, char('a' + i % 26));
  const std::string payload = payload_of(list);
  EXPECT_EQ(digest_of(payload, {100'000}).digest, rdb::value_digest(list.type, list.bytes).low);
}

TEST(PayloadDigest, DamageIsFound) {
  std::string payload = payload_of({.type = 0, .bytes = "\5hello"});
  EXPECT_EQ(digest_of(payload, {3}).kind, rdb::Kind::string);
  payload[3] ^= 1;
  EXPECT_THROW(digest_of(payload, {3}), FormatError);
  payload = payload_of({.type = 99, .bytes = "\5hello"});
  EXPECT_THROW(digest_of(payload, {3}), FormatError);
  payload = payload_of({.type = 0, .bytes = "\6hello"});
  EXPECT_THROW(digest_of(payload, {3}), FormatError);
}

}  // namespace
}  // namespace lockstep::verifier
