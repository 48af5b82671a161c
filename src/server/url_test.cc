#include "server/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Options parsed(const std::string& url) {
  const auto options = parse_url(url);
  EXPECT_TRUE(options) << url << ": " << options.error().to_string();
  return options.value_or(Options{});
}

TEST(ServerUrl, PartsAreReadAndDecoded) {
  const Options options = parsed(
      "postgres://we%40ir:p%2Fw%3A%25@db.example:5433/ana%20lytics?sslmode=verify-full&"
      "sslrootcert=/etc/ca.pem&sslcert=c.pem&sslkey=k.pem&connect_timeout=3&silence=30");
  EXPECT_EQ(options.user, "we@ir");
  EXPECT_EQ(options.password, "p/w:%");
  EXPECT_EQ(options.host, "db.example");
  EXPECT_EQ(options.port, 5433);
  EXPECT_EQ(options.database, "ana lytics");
  EXPECT_EQ(options.tls, Options::Tls::verify_full);
  EXPECT_EQ(options.ca_file, "/etc/ca.pem");
  EXPECT_EQ(options.certificate_file, "c.pem");
  EXPECT_EQ(options.key_file, "k.pem");
  EXPECT_EQ(options.connect_timeout, std::chrono::seconds(3));
  EXPECT_EQ(options.silence, std::chrono::seconds(30));
}

TEST(ServerUrl, WhatIsLeftOutIsTheEnginesOwn) {
  const Options options = parsed("mysql://db/x");
  EXPECT_EQ(options.host, "db");
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.user, "");
  EXPECT_EQ(options.password, "");
  EXPECT_EQ(options.tls, Options::Tls::prefer);
}

TEST(ServerUrl, HostsOfEveryKind) {
  EXPECT_EQ(parsed("postgres://u@[::1]/x").host, "::1");
  EXPECT_EQ(parsed("postgres://u@[::1]:99/x").port, 99);
  EXPECT_EQ(parsed("postgres:///x?host=/run/postgresql").host, "/run/postgresql");
  EXPECT_EQ(parsed("postgres://u:p@w@host/x").password, "p@w") << "the last @ counts";
}

TEST(ServerUrl, AReferenceIsOnePieceAndFilledInWhereItStands) {
  const Options options = parsed("postgres://${secret:user}:${secret:a/b?c@d:e}@db:1/x");
  EXPECT_EQ(options.user, "${secret:user}");
  EXPECT_EQ(options.password, "${secret:a/b?c@d:e}");
  EXPECT_EQ(options.port, 1);
  const auto filled = with_secrets(options, [](std::string_view text) -> Result<std::string> {
    return text == "${secret:user}" ? "weir" : "p@/:?%41${secret:user}";
  });
  ASSERT_TRUE(filled);
  EXPECT_EQ(filled->user, "weir");
  EXPECT_EQ(filled->password, "p@/:?%41${secret:user}") << "a value is not read again";
  EXPECT_EQ(filled->host, "db");
  const auto failed = with_secrets(options, [](std::string_view) -> Result<std::string> {
    return fail(ErrorCode::not_found, "no such secret");
  });
  EXPECT_EQ(failed.error().code, ErrorCode::not_found);
}

TEST(ServerUrl, WhatIsWrongIsToldWithoutThePassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"db/x", "no '://'"},
      {"postgres://u:hunter2@/x", "names no host"},
      {"postgres://u:hunter2@db", "names no database"},
      {"postgres://u:hunter2@db/", "names no database"},
      {"postgres://u:hunter2@db:0/x", "port"},
      {"postgres://u:hunter2@db:65536/x", "port"},
      {"postgres://u:hunter2@db:5x/x", "port"},
      {"postgres://u:hunter2@[::1/x", "no ']'"},
      {"postgres://u:hunter2@[::1]5/x", "port"},
      {"postgres://u:%hunter2@db/x", "password"},
      {"postgres://u:%00hunter2@db/x", "password"},
      {"postgres://u:hunter2%4@db/x", "password"},
      {"postgres://u:hunter2@db/x?sslmode=hunter2", "sslmode"},
      {"postgres://u:hunter2@db/x?hunter2=1", "parameter"},
      {"postgres://u:hunter2@db/x?hunter2", "name=value"},
      {"postgres://u:hunter2@db/x?connect_timeout=0", "connect_timeout"},
      {"postgres://u:hunter2@db/x?silence=1s", "silence"},
      {"postgres://u:hun/ter2@db/x", ""},
      {"postgres://u:hun?ter2@db/x", ""},
  };
  for (const auto& [url, expected] : cases) {
    const auto options = parse_url(url);
    ASSERT_FALSE(options) << url;
    EXPECT_EQ(options.error().code, ErrorCode::invalid_project);
    EXPECT_THAT(options.error().message, HasSubstr(expected)) << url;
    EXPECT_THAT(options.error().to_string(), Not(HasSubstr("hun"))) << url;
  }
}

}  // namespace
}  // namespace weir::server
