#include "sync/engine/plain_sets.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sync/resp/encoder.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {
namespace {

using Words = std::vector<std::string>;

std::string encode(const std::vector<Words>& commands) {
  std::string out;
  for (const Words& words : commands) {
    const std::vector<Bytes> views(words.begin(), words.end());
    resp::append_command(out, std::span<const Bytes>(views));
  }
  return out;
}

Words decode_one(Bytes request) {
  resp::CommandParser parser;
  const auto length = parser.parse(request);
  RC_ASSERT(length == std::optional<size_t>(request.size()));
  return Words(parser.args().begin(), parser.args().end());
}

/// A command of the stream: mostly a plain SET, else anything that looks like one.
rc::Gen<Words> any_command() {
  const auto text = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  return rc::gen::weightedOneOf<Words>({
      {20, rc::gen::construct<Words>(rc::gen::just(Words{"SET", "k", "v"}))},
      {40, rc::gen::map(rc::gen::pair(text, text),
                        [](auto pair) {
                          return Words{"set", pair.first, pair.second};
                        })},
      {2, rc::gen::just(Words{"SET", "k", "v", "KEEPTTL"})},
      {2, rc::gen::just(Words{"SET", "k", std::string(PlainSets::value_bytes_max + 1, 'x')})},
      {2, rc::gen::just(Words{"SET", "k", std::string(PlainSets::value_bytes_max, 'x')})},
      {2, rc::gen::just(Words{"GET", "k", "v"})},
      {2, rc::gen::just(Words{"MULTI"})},
  });
}

bool is_plain(const Words& words) {
  return words.size() == 3 && (words[0] == "SET" || words[0] == "set") &&
         words[2].size() <= PlainSets::value_bytes_max;
}

RC_GTEST_PROP(plain_sets, take_the_longest_run_and_keep_every_pair, ()) {
  const auto commands = *rc::gen::container<std::vector<Words>>(any_command());
  uint32_t expected = 0;
  Words pairs{"MSET"};
  while (expected < commands.size() && expected < PlainSets::count_max &&
         is_plain(commands[expected])) {
    pairs.insert(pairs.end(), commands[expected].begin() + 1, commands[expected].end());
    ++expected;
  }
  const std::string stream = encode(commands);
  const PlainSets sets = find_plain_sets(stream);
  RC_ASSERT(sets.count == expected);
  RC_ASSERT(sets.bytes ==
            encode(std::vector<Words>(commands.begin(), commands.begin() + expected)).size());
  if (expected == 0) return;
  std::string request;
  append_mset(request, stream, sets);
  RC_ASSERT(decode_one(request) == pairs);
}

RC_GTEST_PROP(plain_sets, leave_what_has_not_come_wholly, ()) {
  const std::string stream = encode({{"SET", "key", "value"}, {"SET", "other", "word"}});
  const size_t first = encode({{"SET", "key", "value"}}).size();
  const auto cut = *rc::gen::inRange<size_t>(0, stream.size());
  const PlainSets sets = find_plain_sets(Bytes(stream).substr(0, cut));
  RC_ASSERT(sets.count == (cut < first ? 0U : 1U));
}

TEST(plain_sets, are_not_found_in_damaged_bytes) {
  for (const char* stream : {
           "*3\r\n$3\r\nSET\r\n$1\r\nkk\r\n$1\r\nv\r\n",
           "*3\r\n$3\r\nSET\r\n$-1\r\n$1\r\nv\r\n",
           "*3\r\n$3\r\nSET\r\n$\r\n\r\n$1\r\nv\r\n",
           "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999999999999999999\r\nv\r\n",
           "*3\r\n$3\r\nSET\r\n$1\nk\r\n$1\r\nv\r\n",
           "*2\r\n$3\r\nSET\r\n$1\r\nk\r\n",
       }) {
    EXPECT_EQ(find_plain_sets(stream).count, 0U) << stream;
  }
}

}  // namespace
}  // namespace lockstep::engine
