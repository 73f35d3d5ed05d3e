#include "scenarios/contents.h"

#include <gtest/gtest.h>

#include "scenarios/rdb_decoder_output.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {
namespace {

constexpr int64_t tolerance_ms = 1000;
constexpr int64_t taken_ms = 1'700'000'000'000;
const KeyName hash{0, "hash"}, list{1, "list"}, stream{0, "stream"};

Contents some_contents() {
  Contents contents;
  contents.taken_ms = taken_ms;
  contents.keys[hash] = {"hash", {}, {{"a", "1"}, {"?b", "2"}}, {{"?b", taken_ms + 500}}};
  contents.keys[list] = {"list", taken_ms + 60'000, {{list_part(0), "x"}, {list_part(1), "y"}}};
  contents.keys[stream] = {"stream", {}, {{"last id", "1-1"}, {"?entries added", "1"}}};
  return contents;
}

/// missing, extra, different, expired
std::vector<size_t> counts(const Contents& source, const Contents& target) {
  const ContentFindings found = compare_contents(source, target, tolerance_ms);
  EXPECT_EQ(found.first.size(), found.count());
  return {found.missing, found.extra, found.different, found.expired};
}
using Counts = std::vector<size_t>;

TEST(contents, equal_ones_have_no_difference) {
  EXPECT_EQ(counts(some_contents(), some_contents()), (Counts{0, 0, 0, 0}));
}

TEST(contents, each_difference_is_found_and_named) {
  const Contents source = some_contents();
  Contents target = some_contents();
  target.keys[list].parts[list_part(1)] = "z";
  target.keys[stream].parts["?entries added"] = "2";
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 2, 0}));
  target.keys.erase(stream);
  target.keys[{2, "new"}] = {"set", {}, {{"m", ""}}};
  EXPECT_EQ(counts(source, target), (Counts{1, 1, 1, 0}));
  const auto found = compare_contents(source, target, tolerance_ms);
  EXPECT_EQ(found.first.at(1),
            "different \"list\" (db 1): list \"0000000001\": source \"y\", target \"z\"");
  target.keys[hash].type = "set";
  EXPECT_EQ(counts(source, target), (Counts{1, 1, 2, 0}));
}

TEST(contents, expiries_may_differ_by_the_tolerance) {
  const Contents source = some_contents();
  Contents target = some_contents();
  target.keys[list].expire_at_ms = taken_ms + 60'000 - tolerance_ms;
  target.keys[hash].field_expiries["?b"] += tolerance_ms;
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 0, 0}));
  *target.keys[list].expire_at_ms -= 1;
  target.keys[hash].field_expiries["?b"] += 1;
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 2, 0}));
  target.keys[list].expire_at_ms.reset();
  target.keys[hash].field_expiries.clear();
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 2, 0}));
}

TEST(contents, what_was_due_when_the_other_side_was_read_may_be_gone) {
  Contents source = some_contents();
  Contents target = some_contents();
  target.keys[hash].parts.erase("?b");
  target.keys[hash].field_expiries.clear();
  target.keys.erase(list);
  EXPECT_EQ(counts(source, target), (Counts{1, 0, 0, 0}));
  EXPECT_EQ(counts(target, source), (Counts{0, 1, 0, 0}));
  target.taken_ms = taken_ms + 60'000 - tolerance_ms;
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 0, 1}));
  source.keys[hash].field_expiries["?b"] = taken_ms + 100'000;
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 1, 1}));
  source.keys[hash].field_expiries["a"] = source.keys[hash].field_expiries["?b"] = taken_ms;
  target.keys.erase(hash);
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 0, 2}));
}

TEST(contents, what_only_one_kind_of_server_tells_is_compared_where_both_do) {
  const Contents source = some_contents();
  Contents target = some_contents();
  target.keys[stream].parts.erase("?entries added");
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 0, 0}));
  target.keys[stream].parts.erase("last id");
  EXPECT_EQ(counts(source, target), (Counts{0, 0, 1, 0}));
}

TEST(contents, a_key_on_two_servers_of_a_target_is_one_too_many) {
  Contents target = some_contents();
  target.add(some_contents());
  EXPECT_EQ(counts(some_contents(), target), (Counts{0, 3, 0, 0}));
}

TEST(contents, the_cardinality_that_a_hyperloglog_keeps_is_no_value) {
  const auto text = [](const std::string& cardinality, const std::string& registers) {
    return string_text("HYLL" + std::string(4, '\1') + cardinality + registers);
  };
  const auto real = [](const std::string& cardinality, const std::string& registers) {
    return string_text(std::string("HYLL\1\0\0\0", 8) + cardinality + registers);
  };
  EXPECT_EQ(real("12345678", "abc"), real("87654321", "abc"));
  EXPECT_NE(real("12345678", "abc"), real("12345678", "abd"));
  EXPECT_NE(text("12345678", "abc"), text("87654321", "abc"));
}

const std::string head = "database,key,type,size,size_readable,element_count,encoding,expiration\n";

TEST(decoder_output, is_put_together_of_its_forms) {
  const std::string rows = head +
                           "0,\"a,\"\"b\n\",string,1,1B,0,string,2026-01-01T00:00:00Z\n"
                           "3,a,hash,1,1B,1,listpackex,\n";
  const std::string commands =
      "*3\r\n$3\r\nSET\r\n$5\r\na,\"b\n\r\n$2\r\n\xff\n\r\n"
      "*3\r\n$9\r\nPEXPIREAT\r\n$5\r\na,\"b\n\r\n$4\r\n1234\r\n"
      "*6\r\n$5\r\nHMSET\r\n$1\r\na\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\ng\r\n$1\r\nw\r\n"
      "*5\r\n$8\r\nHPERSIST\r\n$1\r\na\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n$1\r\nf\r\n"
      "*6\r\n$10\r\nHPEXPIREAT\r\n$1\r\na\r\n$2\r\n55\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n$1\r\ng\r\n";
  const Contents contents = read_decoder_output(rows, commands, "");
  const std::map<KeyName, KeyContent> expected = {
      {{0, "a,\"b\n"}, {"string", 1234, {{"value", "\xff\n"}}}},
      {{3, "a"}, {"hash", {}, {{"f", "v"}, {"g", "w"}}, {{"g", 55}}}}};
  EXPECT_EQ(contents.keys, expected);
  EXPECT_THROW(read_decoder_output(head + "0,b,string,1,1B,0,string,\n", commands, ""),
               FormatError);
  EXPECT_THROW(read_decoder_output(head, commands, ""), FormatError);
  EXPECT_THROW(read_decoder_output(head + "0,x,stream,1,1B,0,,\n", "", ""), FormatError);
}

}  // namespace
}  // namespace lockstep::scenarios
