#include "sync/net/endpoint.h"

#include <gtest/gtest.h>

#include "sync/base/error.h"

namespace lockstep::net {
namespace {

std::string message_of(const std::string& url) {
  try {
    parse_endpoint(url);
  } catch (const UserError& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_arguments);
    return error.what();
  }
  return "accepted";
}

TEST(Endpoint, ReadsAddresses) {
  EXPECT_EQ(parse_endpoint("redis://example.org").label(), "example.org:6379");
  EXPECT_EQ(parse_endpoint("127.20.1.1:7000").label(), "127.20.1.1:7000");
  EXPECT_EQ(parse_endpoint("redis://[::1]:7000/3").label(), "[::1]:7000");
  EXPECT_EQ(parse_endpoint("[fe80::1]").host, "fe80::1");
  EXPECT_EQ(parse_endpoint("unix:///run/redis.sock").label(), "/run/redis.sock");
  EXPECT_EQ(parse_endpoint("redis://h:1/3").db, 3u);
  EXPECT_EQ(parse_endpoint("unix:///s?db=4").db, 4u);
  EXPECT_TRUE(parse_endpoint("valkeys://h").tls);
}

TEST(Endpoint, ReadsCredentials) {
  const Endpoint named = parse_endpoint("redis://ann:p%40ss%3A%2f%25@h:1");
  EXPECT_EQ(named.user, "ann");
  EXPECT_EQ(named.password, "p@ss:/%");
  const Endpoint unnamed = parse_endpoint(":se:cr@et@h");
  EXPECT_EQ(unnamed.user, "");
  EXPECT_EQ(unnamed.password, "se:cr@et");
  EXPECT_EQ(unnamed.host, "h");
  EXPECT_EQ(parse_endpoint("redis://u:p/w@h/2").password, "p/w");
  EXPECT_EQ(parse_endpoint("unix://u:p@/s").password, "p");
}

TEST(Endpoint, ReadsTlsOptions) {
  const Endpoint endpoint =
      parse_endpoint("rediss://h:1?verify=no&cacert=/a%20b.pem&cert=c&key=k&sni=name");
  EXPECT_TRUE(endpoint.tls);
  EXPECT_FALSE(endpoint.tls_options.verify);
  EXPECT_EQ(endpoint.tls_options.ca_file, "/a b.pem");
  EXPECT_EQ(endpoint.tls_options.cert_file, "c");
  EXPECT_EQ(endpoint.tls_options.key_file, "k");
  EXPECT_EQ(endpoint.tls_options.server_name, "name");
  EXPECT_TRUE(parse_endpoint("rediss://h").tls_options.verify);
}

TEST(Endpoint, RefusesWithoutShowingThePassword) {
  for (const char* url : {"",
                          "redis://",
                          "http://h",
                          "h:0",
                          "h:65536",
                          "h:1x",
                          "h:",
                          "redis://h:1/x",
                          "::1",
                          "[::1",
                          "[::1]x",
                          "redis://h?verify=no",
                          "rediss://h?verify=maybe",
                          "rediss://h?cacert",
                          "rediss://h?ca=x",
                          "rediss://h?cert=x",
                          "redis://u:p%4@h",
                          "redis://u:p%zz@h",
                          "unix://",
                          "unix:///",
                          "a b:1",
                          "redis://:secret@h:x",
                          "redis://secret@h:x",
                          "redis://u:sec/ret@h:x"}) {
    const std::string message = message_of(url);
    EXPECT_NE(message.find("is not a server address: "), std::string::npos) << url;
    EXPECT_EQ(message.find("sec"), std::string::npos) << message;
  }
}

TEST(Endpoint, AUrlWithoutItsPassword) {
  EXPECT_EQ(url_without_password("redis://u:p@h:1/2"), "redis://u@h:1/2");
  EXPECT_EQ(url_without_password("rediss://:p:@@h?cacert=x"), "rediss://h?cacert=x");
  EXPECT_EQ(url_without_password("p@h"), "h");
  EXPECT_EQ(url_without_password("u:p@[::1]:7"), "u@[::1]:7");
  EXPECT_EQ(url_without_password("unix://:p@/run/x"), "unix:///run/x");
  EXPECT_EQ(url_without_password("h:6379"), "h:6379");
}

TEST(Endpoint, AnotherAddressKeepsTheLogin) {
  const Endpoint other = parse_endpoint("rediss://u:p@h:1?cacert=x").with_address("::2", 7);
  EXPECT_EQ(other, parse_endpoint("rediss://u:p@[::2]:7?cacert=x"));
  EXPECT_FALSE(other == parse_endpoint("rediss://u:p@[::2]:7"));
}

}  // namespace
}  // namespace lockstep::net
