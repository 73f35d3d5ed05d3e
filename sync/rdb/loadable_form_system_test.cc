// Values of each server in the form that every other server takes: it loads them, and holds the
// same value. Both servers are real, and which versions the second one loads is its own word.

#include <gtest/gtest.h>

#include "fixtures/test_server.h"
#include "sync/base/error.h"
#include "sync/rdb/dump_payload.h"
#include "sync/rdb/loadable_form.h"
#include "sync/rdb/object.h"
#include "sync/rdb/test_values.h"

namespace lockstep::rdb {
namespace {

LoadableVersions loadable_by(TestServer& server) {
  LoadableVersions versions;
  for (const uint16_t version : std::initializer_list<uint16_t>{6, 7, 8, 9, 10, 11, 12, 80}) {
    std::string payload;
    append_dump_payload(payload, 0xff, "", version);
    const resp::Value reply = server.ask({"RESTORE", "none", "0", payload});
    versions.set(version, reply.text.find("Bad data format") != std::string::npos);
  }
  return versions;
}

/// How many of the source's keys the target took as a payload.
size_t copy(TestServer& source, TestServer& target) {
  const LoadableVersions versions = loadable_by(target);
  EXPECT_TRUE(versions.test(6)) << target.name();
  size_t copied = 0;
  std::string scratch;
  for (const std::string& key : keys_of(source)) {
    const std::string dump = source.call({"DUMP", key}).text;
    const DumpView view = parse_dump_payload(dump);
    const auto form = loadable_form(view.type, view.value, versions, scratch);
    if (!form) continue;
    std::string payload;
    append_dump_payload(payload, form->type, form->value, form->version);
    target.call({"DEL", "copy"});
    const resp::Value restored = target.ask({"RESTORE", "copy", "0", payload});
    EXPECT_TRUE(restored.is_ok()) << key << ": " << restored.text;
    if (!restored.is_ok()) continue;
    const std::string there = target.call({"DUMP", "copy"}).text;
    const DumpView found = parse_dump_payload(there);
    EXPECT_TRUE(
        same_value(decode_object(found.type, found.value), decode_object(view.type, view.value)))
        << key;
    ++copied;
  }
  return copied;
}

size_t streams_of(TestServer& server) {
  size_t count = 0;
  for (const std::string& key : keys_of(server))
    count += server.ask({"TYPE", key}).text == "stream";
  return count;
}

TEST(LoadableForm, IsLoadedByOtherServers) {
  Random random(3);
  for (const std::string& from : fixtures::test_servers()) {
    TestServer source(from, {});
    fill(source, random);
    const size_t keys = keys_of(source).size(), streams = streams_of(source);
    for (const std::string& to : fixtures::test_servers()) {
      TestServer target(to, {});
      SCOPED_TRACE(source.name() + " to " + target.name());
      const size_t copied = copy(source, target);
      const bool knows_streams = !target.ask({"XLEN", "none"}).is_error();
      EXPECT_GE(copied, knows_streams ? streams : 0);
      if (from == to) {
        EXPECT_EQ(copied, keys);
      }
    }
  }
}

TEST(LoadableForm, ADamagedStreamIsRefused) {
  TestServer server;
  server.call({"XADD", "x", "1-1", "f", "v"});
  server.call({"XGROUP", "CREATE", "x", "g", "0"});
  server.call({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">"});
  const std::string dump = server.call({"DUMP", "x"}).text;
  const DumpView view = parse_dump_payload(dump);
  LoadableVersions old;
  old.set(9);
  std::string scratch;
  ASSERT_TRUE(loadable_form(view.type, view.value, old, scratch));
  for (size_t length = 0; length < view.value.size(); ++length)
    EXPECT_THROW(loadable_form(view.type, view.value.substr(0, length), old, scratch), FormatError);
}

}  // namespace
}  // namespace lockstep::rdb
