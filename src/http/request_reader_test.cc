#include "http/request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::http {
namespace {

using ::testing::HasSubstr;

const std::string get = "GET /healthz?a=b%20c HTTP/1.1\r\nHost: localhost\r\nX-Name: V\r\n\r\n";

/// Feeds `bytes` in pieces of `step`; bodies may have 100 bytes.
RequestReader fed(std::string_view bytes, size_t step) {
  RequestReader reader({.head_bytes = 1000, .body_bytes = 100});
  for (size_t at = 0; at < bytes.size() && reader.state() != ReadState::refused; at += step) {
    if (reader.feed(bytes.substr(at, step)) == ReadState::admitted) reader.read_body();
  }
  return reader;
}

int status_of(std::string_view bytes) {
  const int at_once = [&] {
    const RequestReader reader = fed(bytes, bytes.size());
    return reader.state() == ReadState::refused ? reader.refusal().status : 0;
  }();
  for (const size_t step : {1, 2, 7}) {
    const RequestReader reader = fed(bytes, step);
    EXPECT_EQ(reader.state() == ReadState::refused ? reader.refusal().status : 0, at_once)
        << "in pieces of " << step << ": " << bytes;
  }
  return at_once;
}

std::string post(std::string_view headers, std::string_view body) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

TEST(RequestReaderTest, ReadsARequestHoweverItIsCut) {
  for (const size_t step : {1ul, 3ul, get.size()}) {
    RequestReader reader = fed(get, step);
    ASSERT_EQ(reader.state(), ReadState::complete);
    const Request request = reader.take();
    EXPECT_EQ(request.head.method, "GET");
    EXPECT_EQ(request.head.path, "/healthz");
    EXPECT_EQ(request.head.query, "a=b%20c");
    EXPECT_EQ(*find_header(request.head.headers, "x-name"), "V");
    EXPECT_TRUE(request.head.keep_alive);
    EXPECT_FALSE(reader.begun());
  }
}

TEST(RequestReaderTest, ReadsBodiesByLengthAndInChunks) {
  for (const size_t step : {1ul, 4ul, 1000ul}) {
    RequestReader by_length = fed(post("Content-Length: 5\r\n", "hello"), step);
    ASSERT_EQ(by_length.state(), ReadState::complete);
    EXPECT_EQ(by_length.take().body, "hello");
    RequestReader chunked = fed(post("Transfer-Encoding: Chunked\r\n",
                                     "3\r\nhel\r\n2;why=not\r\nlo\r\n0\r\nLater: x\r\n\r\n"),
                                step);
    ASSERT_EQ(chunked.state(), ReadState::complete);
    const Request request = chunked.take();
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(find_header(request.head.headers, "later"), nullptr) << "trailers are no headers";
  }
}

TEST(RequestReaderTest, PipelinedRequestsComeOneByOne) {
  RequestReader reader({});
  reader.feed(post("Content-Length: 2\r\n", "ab") + get + get.substr(0, 10));
  ASSERT_EQ(reader.state(), ReadState::admitted);
  ASSERT_EQ(reader.read_body(), ReadState::complete);
  EXPECT_EQ(reader.take().body, "ab");
  ASSERT_EQ(reader.feed({}), ReadState::admitted);
  ASSERT_EQ(reader.read_body(), ReadState::complete);
  EXPECT_EQ(reader.take().head.path, "/healthz");
  EXPECT_EQ(reader.feed({}), ReadState::head);
  EXPECT_TRUE(reader.begun());
  EXPECT_EQ(reader.feed(get.substr(10)), ReadState::admitted);
}

TEST(RequestReaderTest, TheBodysLimitIsSetOnceTheHeadIsKnown) {
  RequestReader reader({});
  ASSERT_EQ(reader.feed(post("Content-Length: 9\r\nExpect: 100-continue\r\n", "")),
            ReadState::admitted);
  EXPECT_TRUE(reader.has_body());
  EXPECT_TRUE(reader.head().expects_continue);
  ASSERT_EQ(reader.read_body(8), ReadState::refused);
  EXPECT_EQ(reader.refusal().status, 413);
  EXPECT_THAT(reader.refusal().body, HasSubstr("more than 8 bytes"));
}

TEST(RequestReaderTest, WhatIsTooLongIsRefused) {
  EXPECT_EQ(status_of("GET /" + std::string(1000, 'a')), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(1000, 'a') + "\r\n\r\n"),
            431);
  EXPECT_EQ(status_of(post("Content-Length: 101\r\n", "")), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "65\r\n")), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n")), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "1ffffffffffffffff\r\n")), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "1;" + std::string(5000, 'x'))), 400);
}

/// Each of these is understood in two ways by some pair of servers.
TEST(RequestReaderTest, NothingIsReadLeniently) {
  for (const char* head : {
           "GET / HTTP/1.1\nHost: h\n\n",      // bare line feeds
           "GET / HTTP/1.1\r\nHost: h\n\r\n",  //
           "GET / HTTP/1.1\rHost: h\r\n\r\n",  // a bare carriage return
           "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : h\r\n\r\n",             // white space before the colon
           "GET / HTTP/1.1\r\n Host: h\r\n\r\n",             //
           "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",       // no name
           "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",  //
           "GET / HTTP/1.1\r\n\r\n",                         // no host
           "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",   // two
           "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",            //
           "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n",  // a proxy's form
           "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",       //
           "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",          //
           "GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n",          //
           "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",             // two blanks
           "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",             //
           "GET / HTTP/2.0\r\nHost: h\r\n\r\n",              //
           "GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n",   // control characters
           "GET / HTTP/0.9\r\nHost: h\r\n\r\n",              //
           "\r\n\r\n",                                       //
           "\x16\x03\x01",                                   // TLS
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",               // HTTP/2
       }) {
    EXPECT_EQ(status_of(head), 400) << head;
  }
  for (const char* headers : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 5\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: -5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length:\r\n",
           "Content-Length: 99999999999999999999\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding : chunked\r\n",
           "Transfer-Encoding:\x0b"
           "chunked\r\n",
       }) {
    EXPECT_EQ(status_of(post(headers, "")), 400) << headers;
  }
  for (const char* headers :
       {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked,\r\n", "Transfer-Encoding: \"chunked\"\r\n"}) {
    EXPECT_EQ(status_of(post(headers, "")), 501) << headers;
  }
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(status_of(post("Expect: the worst\r\n", "")), 417);
}

TEST(RequestReaderTest, ChunksAreReadStrictly) {
  for (const char* body :
       {"x\r\n", "-1\r\n", "0x1\r\na\r\n", "1\na\n0\n\n", "2\r\nabc\r\n0\r\n\r\n", "1\r\nab\r\n",
        " 1\r\na\r\n", "1 \r\na\r\n0\r\n\r\n", "\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\nbad trailer\r\n\r\n", "1;a\nb\r\nx\r\n0\r\n\r\n"}) {
    EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", body)), 400) << body;
  }
}

TEST(RequestReaderTest, OldClientsCloseUnlessTheySayOtherwise) {
  RequestReader old = fed("GET / HTTP/1.0\r\n\r\n", 100);
  ASSERT_EQ(old.state(), ReadState::complete);
  EXPECT_FALSE(old.take().head.keep_alive);
  RequestReader kept = fed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 100);
  ASSERT_EQ(kept.state(), ReadState::complete);
  EXPECT_TRUE(kept.take().head.keep_alive);
  RequestReader closing = fed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 100);
  ASSERT_EQ(closing.state(), ReadState::complete);
  EXPECT_FALSE(closing.take().head.keep_alive);
}

}  // namespace
}  // namespace weir::http
