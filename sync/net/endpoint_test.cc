#include "sync/net/endpoint.h"

#include <gtest/gtest.h>

#include "sync/base/error.h"

namespace lockstep::net {
namespace {

TEST(Endpoint, ReadsEveryForm) {
  EXPECT_EQ(parse_endpoint("10.0.0.1").label(), "10.0.0.1:6379");
  EXPECT_EQ(parse_endpoint("host:7000").label(), "host:7000");
  EXPECT_EQ(parse_endpoint("redis://[::1]:7000/3").label(), "[::1]:7000");
  EXPECT_EQ(parse_endpoint("redis://[::1]:7000/3").db, 3u);
  EXPECT_EQ(parse_endpoint("unix:///run/redis.sock").unix_path, "/run/redis.sock");
  const Endpoint tls = parse_endpoint("rediss://me:p%40ss@h:1?cacert=/ca.pem&verify=no");
  EXPECT_TRUE(tls.tls);
  EXPECT_EQ(tls.user, "me");
  EXPECT_EQ(tls.password, "p@ss");
  EXPECT_EQ(tls.tls_options.ca_file, "/ca.pem");
  EXPECT_FALSE(tls.tls_options.verify);
  EXPECT_EQ(parse_endpoint("redis://:secret@h").password, "secret");
  EXPECT_EQ(parse_endpoint("me:secret@h:9").user, "me");
}

TEST(Endpoint, RefusalsHideThePasswordAndShowARightForm) {
  for (const char* url : {"http://me:secret@h", "redis://me:secret@h:99999", "redis://me:secret@", "redis://me:secret@[::1", "redis://secret@h/x",
                          "redis://me:secret@h?colour=red", "::1:6379", "redis://me:secr%zz@h", ""}) {
    try {
      parse_endpoint(url);
      FAIL() << url;
    } catch (const UserError& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_arguments);
      EXPECT_EQ(std::string(error.what()).find("secr"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("redis://"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace lockstep::net
