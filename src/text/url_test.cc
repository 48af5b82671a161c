#include "text/url.h"

#include <gtest/gtest.h>

namespace weir::text {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://user:p%40ss@Data.Example.org:8443/a/b.csv?token=x&day=1#top");
  ASSERT_TRUE(url) << url.error().to_string();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user_info, "user:p%40ss");
  EXPECT_EQ(url->host, "data.example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b.csv");
  EXPECT_EQ(url->query, "token=x&day=1");
  EXPECT_EQ(url->origin(), "https://data.example.org:8443");
}

TEST(Url, ShowsNoSecrets) {
  EXPECT_EQ(shown_url("https://u:geheim@h/a?token=geheim&plain&x="), "https://h/a?token=…&…&x=…");
  EXPECT_EQ(shown_url("https://h/a#geheim"), "https://h/a");
  EXPECT_EQ(shown_url("geheim"), "a URL");
  EXPECT_EQ(shown_url("http://h:80"), "http://h");
  EXPECT_EQ(shown_url("http://[::1]:8080/x"), "http://[::1]:8080/x");
}

TEST(Url, KnowsThePortsOfItsSchemes) {
  EXPECT_EQ(parse_url("http://h")->port, 80);
  EXPECT_EQ(parse_url("https://h:/x")->port, 443);
  EXPECT_EQ(parse_url("http://[2001:db8::1]/x")->host, "2001:db8::1");
}

TEST(Url, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const char* text : {"",
                           "h/x",
                           "//h/x",
                           "ftp://h/x",
                           "file:///etc/passwd",
                           "http://",
                           "http:///x",
                           "http://h/a b",
                           "http://h\\@evil/x",
                           "http://a@b@c/x",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:+80/",
                           "http://h:80x/",
                           "http://[::1/x",
                           "http://[1.2.3.4]/",
                           "http://[::1]x/",
                           "http://h%2e/x",
                           "http://h\xc3\xa4/x",
                           "http://h\n/x",
                           "http://h\x7f/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid_input);
  }
  const auto long_one = parse_url("http://h/" + std::string(9000, 'a'));
  EXPECT_FALSE(long_one);
}

TEST(Url, AnErrorDoesNotQuoteIt) {
  const auto url = parse_url("http://user:geheim@ho st/?k=geheim");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().to_string().find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace weir::text
