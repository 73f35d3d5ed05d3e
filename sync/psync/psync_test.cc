#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "sync/base/error.h"
#include "sync/psync/handshake.h"
#include "sync/psync/transfer.h"

namespace lockstep::psync {
namespace {

/// Feeds `input` in pieces of the given sizes and collects what the transfer says.
struct Collected {
  std::string snapshot, stream;
};

Collected feed(Transfer& transfer, const std::string& input, const std::vector<size_t>& sizes) {
  Collected collected;
  std::string held;
  size_t at = 0;
  for (size_t i = 0; at < input.size(); ++i) {
    const size_t n = sizes.empty() ? input.size() : std::max<size_t>(1, sizes[i % sizes.size()]);
    held += input.substr(at, n);
    at += n;
    while (true) {
      const Transfer::Piece piece = transfer.next(held);
      if (piece.kind == Transfer::Kind::snapshot) collected.snapshot += piece.data;
      if (piece.kind == Transfer::Kind::stream) collected.stream += piece.data;
      const std::string rest = held.substr(piece.consumed);
      if (piece.consumed == 0) break;
      held = rest;
    }
  }
  return collected;
}

const std::string mark = "0123456789012345678901234567890123456789";

RC_GTEST_PROP(Transfer, TheMarkIsFoundHoweverItIsSplit, ()) {
  // Bytes that look like the mark's beginning, so that many false starts occur.
  const auto near_mark =
      rc::gen::map(rc::gen::inRange<size_t>(0, 39), [](size_t n) { return mark.substr(0, n); });
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::oneOf(near_mark, rc::gen::arbitrary<std::string>()));
  std::string snapshot;
  for (const std::string& part : parts) snapshot += part;
  RC_PRE((snapshot + mark).find(mark) == snapshot.size());
  const std::string stream = *rc::gen::arbitrary<std::string>();
  const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 50));
  Transfer transfer;
  const Collected collected =
      feed(transfer, "\n\n$EOF:" + mark + "\r\n" + snapshot + mark + stream, sizes);
  RC_ASSERT(collected.snapshot == snapshot);
  RC_ASSERT(collected.stream == stream);
}

RC_GTEST_PROP(Transfer, ASizedSnapshotEndsWhereItSays,
              (const std::string& snapshot, const std::string& stream)) {
  const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 9));
  Transfer transfer;
  const Collected collected =
      feed(transfer, "\n$" + std::to_string(snapshot.size()) + "\r\n" + snapshot + stream, sizes);
  RC_ASSERT(collected.snapshot == snapshot);
  RC_ASSERT(collected.stream == stream);
  RC_ASSERT(transfer.snapshot_size() == snapshot.size());
}

TEST(Transfer, RefusesWhatIsNoHeader) {
  Transfer transfer;
  EXPECT_THROW(transfer.next("-ERR gone\r\n"), FormatError);
  Transfer other;
  EXPECT_THROW(other.next("$12x\r\n"), FormatError);
}

TEST(Handshake, ReadsEveryAnswer) {
  const auto full = parse_psync_answer("+FULLRESYNC " + mark + " 1234", std::nullopt, "s");
  EXPECT_EQ(std::get<SyncStart>(full).offset.value, 1234);
  const std::pair<ReplId, Offset> asked{{mark}, {77}};
  EXPECT_EQ(std::get<SyncStart>(parse_psync_answer("+CONTINUE", asked, "s")).offset.value, 77);
  const std::string other(40, 'f');
  EXPECT_EQ(std::get<SyncStart>(parse_psync_answer("+CONTINUE " + other, asked, "s")).replid.value,
            other);
  EXPECT_TRUE(std::holds_alternative<NotNow>(
      parse_psync_answer("-NOMASTERLINK Can't SYNC", std::nullopt, "s")));
  EXPECT_TRUE(std::holds_alternative<NotNow>(parse_psync_answer("-LOADING x", std::nullopt, "s")));
  EXPECT_TRUE(std::holds_alternative<UseSync>(
      parse_psync_answer("-ERR unknown command 'PSYNC'", std::nullopt, "s")));
  EXPECT_THROW(parse_psync_answer("+FULLRESYNC short 1", std::nullopt, "s"), FormatError);
  EXPECT_THROW(parse_psync_answer("+CONTINUE", std::nullopt, "s"), FormatError);
}

TEST(Handshake, ReadsWhatIsHeldForAMainChannel) {
  const auto held = parse_held_stream("$ENDOFF:84 " + mark + " -1 8", "s");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->replid.value, mark);
  EXPECT_EQ(held->offset.value, 84);
  EXPECT_EQ(take_held_stream(*held),
            (std::vector<std::vector<std::string>>{{"REPLCONF", "set-rdb-client-id", "8"},
                                                   {"PSYNC", mark, "85"}}));
  EXPECT_FALSE(parse_held_stream("+FULLRESYNC " + mark + " 84", "s"));
  const std::string wrong[] = {"",
                               "84 " + mark + " 0",
                               "84 short 0 8",
                               "x " + mark + " 0 8",
                               "84 " + mark + " 0 -8",
                               "84 " + mark + " 0 8 9"};
  for (const std::string& fields : wrong) {
    EXPECT_THROW(parse_held_stream("$ENDOFF:" + fields, "s"), FormatError) << fields;
  }
}

TEST(Handshake, ALinkForTheSnapshotAloneSaysSo) {
  EXPECT_TRUE(snapshot_only_requests({}).empty());
  EXPECT_EQ(snapshot_only_requests({.snapshot_only = true}).size(), 2u);
  EXPECT_EQ(snapshot_only_requests({.capa_eof = false, .snapshot_only = true}).size(), 1u);
}

TEST(Handshake, BothFormsOfALinkThatIsDownMayPass) {
  for (const char* line : {"-NOMASTERLINK Can't SYNC while not connected with my master",
                           "-ERR Can't SYNC while not connected with my master"}) {
    EXPECT_TRUE(std::holds_alternative<NotNow>(parse_psync_answer(line, std::nullopt, "s")));
    EXPECT_FALSE(parse_sync_error(line, "s").why.empty());
  }
}

TEST(Handshake, RefusesAnswersThatAreNotWhole) {
  const std::pair<ReplId, Offset> asked{{mark}, {77}};
  for (const std::string& line :
       {"+FULLRESYNC " + mark, "+FULLRESYNC " + mark + " 1x", "+FULLRESYNC " + mark + " -1",
        std::string("+FULLRESYNC "), "+CONTINUE " + mark + "0", std::string("+CONTINUE x"),
        std::string("+OK"), std::string("HTTP/1.1 400"), std::string()}) {
    EXPECT_THROW(parse_psync_answer(line, asked, "s"), FormatError) << line;
  }
}

TEST(Handshake, NamesAServiceThatBlocksBoth) {
  EXPECT_THROW(parse_sync_error("-ERR unknown command 'SYNC'", "s"), UserError);
  EXPECT_THROW(parse_psync_answer("-ERR something else", std::nullopt, "s"), UserError);
  EXPECT_THROW(parse_psync_answer("-NOAUTH Authentication required.", std::nullopt, "s"),
               UserError);
}

TEST(Handshake, AsksForTheByteBehindTheOffset) {
  EXPECT_EQ(psync_request({}), "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
  HandshakeOptions options;
  options.resume = {{mark}, {41}};
  EXPECT_EQ(psync_request(options), "*3\r\n$5\r\nPSYNC\r\n$40\r\n" + mark + "\r\n$2\r\n42\r\n");
}

TEST(Handshake, NamesTheMissingRule) {
  try {
    parse_psync_answer("-NOPERM this user has no permissions to run the 'psync' command",
                       std::nullopt, "h:1");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("+psync +replconf"), std::string::npos);
  }
}

}  // namespace
}  // namespace lockstep::psync
