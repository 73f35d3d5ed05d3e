#include "verifier/side_by_side.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "verifier/base64.h"
#include "verifier/explain.h"

namespace lockstep::verifier {
namespace {

using rdb::Object;

/// "mark name|source|target" of each row that differs.
std::vector<std::string> differing(const Object& source, const Object& target) {
  std::vector<std::string> result;
  for (const SideRow& row : side_by_side(&source, &target, Tolerance())) {
    if (row.mark == SideRow::Mark::same) continue;
    result.push_back(static_cast<char>(row.mark) + (" " + row.name) + "|" + row.source + "|" +
                     row.target);
  }
  return result;
}
using Rows = std::vector<std::string>;

TEST(SideBySide, StringsInPieces) {
  const std::string text(100, 'a');
  std::string other = text;
  other[70] = 'b';
  EXPECT_EQ(differing(rdb::String{text}, rdb::String{other}),
            (Rows{"! byte 64|" + std::string(32, 'a') + "|aaaaaab" + std::string(25, 'a')}));
  EXPECT_EQ(differing(rdb::String{text}, rdb::String{text.substr(0, 96)}),
            (Rows{"< byte 96|aaaa|"}));
}

TEST(SideBySide, ElementsByIndexMemberAndField) {
  EXPECT_EQ(differing(rdb::List{{"a", "b", "c"}}, rdb::List{{"a", "x"}}),
            (Rows{"! 1|b|x", "< 2|c|"}));
  EXPECT_EQ(differing(rdb::Set{{"a", "c"}}, rdb::Set{{"a", "b"}}),
            (Rows{"> member||b", "< member|c|"}));
  EXPECT_EQ(differing(rdb::SortedSet{{{"m", 0.1}}}, rdb::SortedSet{{{"m", 0.2}}}),
            (Rows{"! m|0.10000000000000001|0.20000000000000001"}));
  const rdb::Hash hash{{{"f", "1", ExpireAt{5000}}, {"g", "2"}}};
  EXPECT_EQ(differing(hash, rdb::Hash{{{"f", "1", ExpireAt{5900}}, {"g", "2"}}}), Rows{});
  EXPECT_EQ(differing(hash, rdb::Hash{{{"f", "1"}, {"g", "2"}}}), (Rows{"! f|1 until 5000|1"}));
}

TEST(SideBySide, StreamsWithGroups) {
  rdb::Stream stream{{{{5, 1}, {{"f", "v"}}}}, {}, {}};
  stream.groups.push_back({.name = "g", .last_delivered_id = {5, 1}});
  stream.groups[0].pending.push_back({{5, 1}, 100, 1});
  rdb::Stream other = stream;
  other.groups[0].pending[0].delivery_count = 2;
  other.info.last_id = {9, 9};
  other.info.entries_added = 7;  // which the source's version does not tell
  EXPECT_EQ(differing(stream, other),
            (Rows{"! last id|0-0|9-9",
                  "! group g: 5-1|delivered 1 times, last at 100|delivered 2 times, last at 100"}));
}

TEST(SideBySide, TypesThatDifferStandBelowEachOther) {
  EXPECT_EQ(differing(rdb::String{"a"}, rdb::List{{"a"}}), (Rows{"< byte 0|a|", "> 0||a"}));
}

/// A long element is cut so that the byte that differs is seen.
TEST(SideBySide, ACellShowsTheByteThatDiffers) {
  const std::string text(5000, 'a');
  const auto rows = differing(rdb::List{{text + "1"}}, rdb::List{{text + "2"}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], "! 0|…aaaaaaaa1|…aaaaaaaa2");
}

using Pairs = std::map<uint8_t, bool>;

rdb::Hash hash_of(const Pairs& pairs) {
  rdb::Hash hash;
  for (const auto& [field, value] : pairs)
    hash.fields.push_back({.field = std::to_string(field % 10 + 10), .value = value ? "a" : "b"});
  std::sort(hash.fields.begin(), hash.fields.end());
  const auto same_name = [](const auto& x, const auto& y) { return x.field == y.field; };
  hash.fields.erase(std::unique(hash.fields.begin(), hash.fields.end(), same_name),
                    hash.fields.end());
  return hash;
}

/// What it marks and what the comparer finds are written apart, and must agree.
RC_GTEST_PROP(SideBySide, marks_what_the_comparer_finds, (const Pairs& a, const Pairs& b)) {
  const rdb::Hash source = hash_of(a), target = hash_of(b);
  const bool found = first_difference(source, target, Tolerance()).has_value();
  RC_ASSERT(differing(source, target).empty() == !found);
}

TEST(ExplainText, ShowsDifferencesFirstAndSaysWhatIsHidden) {
  const Reading none;
  EXPECT_NE(explain_text(none, none, Tolerance(), 10).find("none"), std::string::npos);
  Reading broken;
  broken.payload = "x";
  EXPECT_NE(explain_text(broken, none, Tolerance(), 10).find("cannot be decoded"),
            std::string::npos);
}

RC_GTEST_PROP(Base64, comes_back, (const std::string& text)) {
  RC_ASSERT(from_base64(base64(text)) == text);
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"A", "AB", "A===", "AB!=", "AB=C"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  EXPECT_EQ(from_base64(""), "");
}

}  // namespace
}  // namespace lockstep::verifier
