#include "scenarios/certify/request.h"

#include <gtest/gtest.h>

#include "scenarios/certify/certify_run.h"
#include "scenarios/families.h"
#include "sync/base/error.h"

namespace lockstep::scenarios::certify {
namespace {

/// With what `work` is refused.
template <typename Work>
std::string refusal(Work work) {
  try {
    work();
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    return error.what();
  }
  return "it is not refused";
}

std::string matrix_refusal(const std::string& text) {
  return refusal([&] { parse_matrix(text, "m.yaml"); });
}

std::string request_refusal(const RequestFlags& flags) {
  return refusal([&] { make_request(flags); });
}

TEST(Matrix, IsReadStrictly) {
  const RequestFlags flags = parse_matrix(
      "version: 1\nfrom: [a, b]\nto: all\ntopology: cluster\nfamilies: [lua]\ncases: 3\nseed: 9\n",
      "m.yaml");
  EXPECT_EQ(flags.from, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(flags.to, std::vector<std::string>{"all"});
  EXPECT_EQ(flags.topologies, std::vector<std::string>{"cluster"});
  EXPECT_EQ(flags.cases, 3u);
  EXPECT_EQ(flags.seed, 9u);
  EXPECT_NE(matrix_refusal("version: 1\nform: [a]\n").find("m.yaml:2:1"), std::string::npos);
  EXPECT_NE(matrix_refusal("version: 1\nform: [a]\n").find("from"), std::string::npos);
  EXPECT_NE(matrix_refusal("version: 2\n").find("version 1"), std::string::npos);
  EXPECT_NE(matrix_refusal("from: [a]\n").find("version"), std::string::npos);
  EXPECT_NE(matrix_refusal("version: 1\ncases: 0\n").find("m.yaml:2"), std::string::npos);
  EXPECT_NE(matrix_refusal("version: [\n").find("not YAML"), std::string::npos);
  EXPECT_NE(refusal([] { read_matrix("/nowhere.yaml"); }).find("/nowhere.yaml"), std::string::npos);
}

TEST(Matrix, FlagsWin) {
  RequestFlags flags;
  flags.to = {"x"};
  flags.cases = 2;
  const RequestFlags both =
      over(flags, parse_matrix("version: 1\nfrom: [a]\nto: [b]\ncases: 3\nseed: 4\n", "m.yaml"));
  EXPECT_EQ(both.from, std::vector<std::string>{"a"});
  EXPECT_EQ(both.to, std::vector<std::string>{"x"});
  EXPECT_EQ(both.cases, 2u);
  EXPECT_EQ(both.seed, 4u);
}

TEST(RequestOf, DefaultsAreEveryFamilyOnceAndOnePart) {
  const Request request = make_request({});
  EXPECT_EQ(request.families.size(), family_names().size() - 1);
  EXPECT_EQ(request.topologies, std::vector<Topology>{Topology::standalone});
  EXPECT_EQ(request.cases, 1u);
  EXPECT_EQ(request.parts, 1u);
  EXPECT_EQ(request.from, request.to);
}

TEST(RequestOf, UnknownNamesAreRefusedWithTheNearest) {
  EXPECT_NE(request_refusal({.from = {"redsi-9.9"}}).find("redsi-9.9"), std::string::npos);
  EXPECT_NE(request_refusal({.topologies = {"clutser"}}).find("\"cluster\""), std::string::npos);
  EXPECT_NE(request_refusal({.families = {"strams"}}).find("\"streams\""), std::string::npos);
}

TEST(RequestOf, APartIsCountedFromZero) {
  const Request last = make_request({.shard = "3/4"});
  EXPECT_EQ(last.part, 4u);
  EXPECT_EQ(last.parts, 4u);
  for (const char* bad : {"4/4", "1", "a/2", "1/", "/2", "0/0", "-1/2"})
    EXPECT_NE(request_refusal({.shard = bad}).find("i/n"), std::string::npos) << bad;
}

TEST(DifferenceOfRequests, NamesWhatDiffers) {
  Request before, now;
  before.from = now.from = {"a"};
  EXPECT_EQ(difference_of(before, now), "");
  now.seed = 2;
  before.topologies = {Topology::cluster};
  EXPECT_EQ(difference_of(before, now), "--topology was cluster; --seed was 0");
}

TEST(Jobs, AreBoundedByCoresAndMemory) {
  constexpr uint64_t gigabyte = 1 << 30;
  EXPECT_EQ(jobs_that_fit(2, 64 * gigabyte), jobs_that_fit(1, 64 * gigabyte) * 2);
  EXPECT_LT(jobs_that_fit(64, gigabyte), 8u);
  EXPECT_EQ(jobs_that_fit(2, 0), 1u);
}

}  // namespace
}  // namespace lockstep::scenarios::certify
