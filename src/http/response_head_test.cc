#include "http/response_head.h"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

using std::chrono::milliseconds;

ResponseHead head_of(std::initializer_list<const char*> lines) {
  HeadReader reader;
  for (const char* line : lines) EXPECT_TRUE(reader.add(line));
  EXPECT_TRUE(reader.complete());
  return reader.head();
}

TEST(ResponseHead, IsReadLineByLine) {
  const ResponseHead head =
      head_of({"HTTP/1.1 206 Partial Content\r\n", "ETag:  \"a\" \r\n", "x-empty:\r\n", "\r\n"});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.find("etag"), "\"a\"");
  EXPECT_EQ(head.find("X-Empty"), "");
  EXPECT_EQ(head.find("absent"), "");
}

TEST(ResponseHead, InterimAnswersAndTrailersAreLeftOut) {
  HeadReader reader;
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "Etag: \"early\"\r\n", "\r\n"}) {
    ASSERT_TRUE(reader.add(line));
  }
  EXPECT_FALSE(reader.complete());
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\r\n", "Etag: \"late\"\r\n"}) {
    ASSERT_TRUE(reader.add(line));
  }
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.head().find("etag"), "");
  EXPECT_EQ(reader.head().find("a"), "1");
}

TEST(ResponseHead, HugeHeadersAreRefused) {
  HeadReader reader;
  ASSERT_TRUE(reader.add("HTTP/1.1 200 OK\r\n"));
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  Result<void> added;
  for (int i = 0; i < 70 && added; ++i) added = reader.add(line);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::invalid_input);
}

TEST(ContentRange, IsStrict) {
  const auto range = parse_content_range("bytes 100-199/200");
  ASSERT_TRUE(range);
  EXPECT_EQ(*range->first, 100u);
  EXPECT_EQ(*range->last, 199u);
  EXPECT_EQ(*range->total, 200u);
  EXPECT_FALSE(parse_content_range("bytes 0-1/*")->total);
  EXPECT_EQ(*parse_content_range("bytes */200")->total, 200u);
  for (const char* text :
       {"", "bytes", "bytes 1-0/5", "bytes 0-5/5", "bytes -1/5", "bytes */*", "bytes 0-1",
        "items 0-1/5", "bytes 0-1/5x", "bytes 0-1/-5", "bytes 99999999999999999999-1/5"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(HttpDate, IsReadInItsOneForm) {
  EXPECT_EQ(format_timestamp(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")),
            "1994-11-06T08:49:37.000000Z");
  for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:3x GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(RetryAfter, IsSecondsOrADate) {
  const Timestamp now = *parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_retry_after("120", now), milliseconds(120'000));
  EXPECT_EQ(parse_retry_after("99999999999", now), milliseconds(std::chrono::hours(24)));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), milliseconds(60'000));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), milliseconds(0));
  EXPECT_FALSE(parse_retry_after("soon", now));
  EXPECT_FALSE(parse_retry_after("-1", now));
  EXPECT_FALSE(parse_retry_after("", now));
}

TEST(ResumeValidator, OnlyWhatProvesThatTheBytesAreTheSame) {
  const auto validator = [](std::initializer_list<HeaderField> headers) {
    return resume_validator({200, headers, ""});
  };
  const char* modified = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(validator({{"ETag", "\"a\""}}), "\"a\"");
  EXPECT_EQ(validator({{"ETag", "W/\"a\""}, {"Last-Modified", modified}}), "");
  EXPECT_EQ(validator({{"Last-Modified", modified}, {"Date", "Sun, 06 Nov 1994 08:50:37 GMT"}}),
            modified);
  EXPECT_EQ(validator({{"Last-Modified", modified}, {"Date", "Sun, 06 Nov 1994 08:49:38 GMT"}}),
            "");
  EXPECT_EQ(validator({{"Last-Modified", modified}}), "");
  EXPECT_EQ(validator({}), "");
}

}  // namespace
}  // namespace weir::http
