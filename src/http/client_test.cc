#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/scripted_server_for_test.h"

namespace weir::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class Collected final : public ResponseSink {
 public:
  Result<void> head(const ResponseHead& head) override {
    ++heads;
    status = head.status;
    return {};
  }
  Result<void> body(std::string_view bytes) override {
    text += bytes;
    if (on_body) on_body();
    return {};
  }
  int heads = 0;
  int status = 0;
  std::string text;
  std::function<void()> on_body;
};

class HttpClient : public testing::Test {
 protected:
  Result<ResponseHead> get(const ClientRequest& request) {
    return Client(options).send(request, sink, cancel);
  }
  Result<ResponseHead> get(const std::string& url) {
    ClientRequest request;
    request.url = url;
    request.stall = milliseconds(20'000);
    return get(request);
  }

  ClientOptions options;
  Collected sink;
  std::atomic<bool> cancel = false;
};

void expect_error(const Result<ResponseHead>& got, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, code) << got.error().to_string();
  EXPECT_THAT(got.error().to_string(), HasSubstr(part));
}

TEST_F(HttpClient, GivesHeadAndBody) {
  const ScriptedServer server(
      [](ScriptedPeer& peer) { peer.send(answer("200 OK", "ETag: \"a\"\r\n", "id\n1\n")); });
  const auto got = get(server.url("/x.csv?token=geheim"));
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->find("etag"), "\"a\"");
  EXPECT_EQ(got->url, server.url("/x.csv?token=…"));
  EXPECT_EQ(sink.text, "id\n1\n");
  EXPECT_EQ(sink.heads, 1);
  EXPECT_THAT(server.requests()[0], HasSubstr("\r\nAccept-Encoding: identity\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("\r\nUser-Agent: weir/"));
}

TEST_F(HttpClient, ChunksAreJoined) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    peer.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
        "X-Trailer: 1\r\n\r\n");
  });
  const auto got = get(server.url("/"));
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(sink.text, "abcde");
  EXPECT_EQ(got->find("x-trailer"), "");
}

TEST_F(HttpClient, AnyStatusIsAnAnswer) {
  const ScriptedServer server(
      [](ScriptedPeer& peer) { peer.send(answer("503 Busy", "Retry-After: 7\r\n", "later")); });
  const auto got = get(server.url("/"));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 503);
  EXPECT_EQ(got->find("retry-after"), "7");
}

TEST_F(HttpClient, WhatBreaksOffIsNoAnswer) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc";
  for (const std::string& bytes : {head + "abc", chunked, std::string("HTTP/1.1 200 O"),
                                   std::string(), std::string("nonsense\r\n\r\n")}) {
    const ScriptedServer server([&](ScriptedPeer& peer) { peer.send(bytes); });
    expect_error(get(server.url("/x")), ErrorCode::unavailable, server.url("/x"));
  }
  const ScriptedServer resets([&](ScriptedPeer& peer) {
    peer.send(head + "abc");
    peer.reset();
  });
  expect_error(get(resets.url("/x")), ErrorCode::unavailable, "");
}

TEST_F(HttpClient, ALengthThatIsTooSmallCutsTheAnswer) {
  // Nothing in HTTP tells that there was more; a checksum does.
  const ScriptedServer server(
      [](ScriptedPeer& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"); });
  ASSERT_TRUE(get(server.url("/")));
  EXPECT_EQ(sink.text, "abc");
}

TEST_F(HttpClient, NobodyThereIsTransient) {
  int port = 0;
  {
    const ScriptedServer gone([](ScriptedPeer&) {});
    port = gone.port();
  }
  expect_error(get("http://127.0.0.1:" + std::to_string(port) + "/"), ErrorCode::unavailable,
               "cannot get http://127.0.0.1");
  expect_error(get("http://nobody.invalid/"), ErrorCode::unavailable, "nobody.invalid");
}

TEST_F(HttpClient, AStallEndsATry) {
  const ScriptedServer silent([](ScriptedPeer& peer) { peer.wait_closed(); });
  const ScriptedServer drips([](ScriptedPeer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (peer.send("x") && !peer.wait_closed(5)) {
    }
  });
  for (const ScriptedServer* server : {&silent, &drips}) {
    ClientRequest request;
    request.url = server->url("/");
    request.stall = milliseconds(300);
    expect_error(get(request), ErrorCode::unavailable, "stalls");
  }
}

TEST_F(HttpClient, ATimeoutEndsEvenWhatGoesOn) {
  const ScriptedServer endless([](ScriptedPeer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(std::string(4096, 'x')) && !peer.wait_closed(1)) {
    }
  });
  ClientRequest request;
  request.url = endless.url("/");
  request.timeout = milliseconds(300);
  expect_error(get(request), ErrorCode::unavailable, "longer than its timeout");
}

TEST_F(HttpClient, IsCancelledFromAnotherThread) {
  const ScriptedServer server([this](ScriptedPeer& peer) {
    cancel = true;  // while the client waits
    peer.wait_closed();
  });
  expect_error(get(server.url("/")), ErrorCode::cancelled, "was stopped");
}

TEST_F(HttpClient, TheSinkMayRefuse) {
  class Refuses final : public ResponseSink {
    Result<void> head(const ResponseHead&) override { return {}; }
    Result<void> body(std::string_view) override { return fail(ErrorCode::io, "the disk is full"); }
  };
  const ScriptedServer server([](ScriptedPeer& peer) { peer.send(answer("200 OK", "", "x")); });
  Refuses refuses;
  ClientRequest request;
  request.url = server.url("/");
  expect_error(Client(options).send(request, refuses, cancel), ErrorCode::io, "the disk is full");
}

TEST_F(HttpClient, HugeHeadersAreRefused) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 200; ++i)
      peer.send("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n");
    peer.send("\r\n");
  });
  expect_error(get(server.url("/")), ErrorCode::invalid_input, "headers of the answer are longer");
}

TEST_F(HttpClient, RedirectsAreFollowedAndKeepCredentialsAtHome) {
  const ScriptedServer other([](ScriptedPeer& peer) { peer.send(answer("200 OK", "", "there")); });
  const ScriptedServer first([&](ScriptedPeer& peer) {
    const std::string to = peer.path() == "/a" ? "/b" : other.url("/c");
    peer.send(answer("302 Found", "Location: " + to + "\r\n", "moved"));
  });
  ClientRequest request;
  request.url = "http://user:geheim@127.0.0.1:" + std::to_string(first.port()) + "/a";
  request.headers = {{"X-Key", "k"}};
  request.plain_headers = {{"If-None-Match", "\"a\""}};
  const auto got = get(request);
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(sink.text, "there");
  EXPECT_EQ(sink.heads, 1);
  EXPECT_EQ(got->url, other.url("/c"));
  ASSERT_EQ(first.requests().size(), 2u);
  for (const std::string& asked : first.requests()) {
    EXPECT_THAT(asked, HasSubstr("\r\nX-Key: k\r\n"));
    EXPECT_THAT(asked, HasSubstr("\r\nAuthorization: Basic "));
  }
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("X-Key")));
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("Authorization")));
  EXPECT_THAT(other.requests()[0], HasSubstr("\r\nIf-None-Match: \"a\"\r\n"));
}

TEST_F(HttpClient, RedirectsThatLeadNowhere) {
  std::string location;
  int hops = 0;
  const ScriptedServer server([&](ScriptedPeer& peer) {
    std::string to = location == "on" ? "/" + std::to_string(++hops) : location;
    peer.send(answer("301 Moved", to.empty() ? "" : "Location: " + to + "\r\n", ""));
  });
  location = "/x";
  expect_error(get(server.url("/x")), ErrorCode::invalid_input, "redirects in a circle");
  location = "on";
  expect_error(get(server.url("/x")), ErrorCode::invalid_input, "redirects more than 10 times");
  location = "file:///etc/passwd";
  expect_error(get(server.url("/x?k=geheim")), ErrorCode::invalid_input,
               server.url("/x?k=…") + " redirects to something that is no http");
  location = "";
  expect_error(get(server.url("/x")), ErrorCode::invalid_input, "redirects to something");
  location = "http://[::1";
  expect_error(get(server.url("/x")), ErrorCode::invalid_input, "redirects to something");
}

TEST_F(HttpClient, TheFenceHoldsOnEveryHop) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    peer.send(answer("302 Found", "Location: http://169.254.169.254/latest/meta-data\r\n", ""));
  });
  expect_error(get(server.url("/")), ErrorCode::invalid_input,
               "169.254.169.254 is behind the fence");
}

TEST_F(HttpClient, TheFenceLooksAtTheAddressNotTheName) {
  const ScriptedServer server([](ScriptedPeer& peer) { peer.send(answer("200 OK", "", "x")); });
  const std::string url = "http://localhost:" + std::to_string(server.port()) + "/";
  options.fence =
      NetworkFence({.allow = {*parse_network_rule("localhost")},
                    .deny = {*parse_network_rule("127.0.0.0/8"), *parse_network_rule("::1")}});
  expect_error(get(url), ErrorCode::invalid_input, "is behind the fence: network: deny has");
  EXPECT_TRUE(server.requests().empty()) << "nothing was sent there";
  options.fence = NetworkFence({.allow = {*parse_network_rule("127.0.0.0/8")}, .deny = {}});
  EXPECT_TRUE(get(url));
}

TEST_F(HttpClient, AConnectionThatIsKeptIsNoWayAroundTheFence) {
  // The name is allowed, the address as such is not: the kept connection is asked about again.
  const ScriptedServer server([](ScriptedPeer& peer) { peer.send(answer("200 OK", "", "x")); });
  options.fence = NetworkFence({.allow = {*parse_network_rule("localhost")}, .deny = {}});
  Client client(options);
  ClientRequest request;
  request.url = "http://localhost:" + std::to_string(server.port()) + "/";
  EXPECT_TRUE(client.send(request, sink, cancel));
  request.url = server.url("/");
  expect_error(client.send(request, sink, cancel), ErrorCode::invalid_input, "behind the fence");
}

TEST_F(HttpClient, PostsAndTakesARedirectAsAnAnswer) {
  const ScriptedServer server(
      [](ScriptedPeer& peer) { peer.send(answer("307 Elsewhere", "Location: /other\r\n", "")); });
  ClientRequest request;
  request.url = server.url("/hook");
  request.post = true;
  request.body = std::string("{\"a\":\0}", 7);
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.most_redirects = 0;
  const auto got = get(request);
  ASSERT_TRUE(got) << got.error().to_string();
  EXPECT_EQ(got->status, 307);
  ASSERT_EQ(server.requests().size(), 1u);
  const std::string asked = server.requests()[0];
  EXPECT_TRUE(asked.starts_with("POST /hook HTTP/1.1\r\n"));
  EXPECT_TRUE(asked.ends_with("\r\n\r\n" + request.body));
  EXPECT_THAT(asked, HasSubstr("\r\nX-Empty:\r\n"));
  EXPECT_THAT(asked, Not(HasSubstr("Expect")));
}

TEST_F(HttpClient, NoErrorShowsASecret) {
  const ScriptedServer server([](ScriptedPeer& peer) { peer.send("HTTP/1.1 200 OK\r\nX"); });
  const std::string host = "user:geheim@127.0.0.1:" + std::to_string(server.port());
  ClientRequest request;
  request.url = "http://" + host + "/x?token=geheim";
  request.headers = {{"X-Key", "geheim"}};
  const auto got = get(request);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().to_string(), Not(HasSubstr("geheim")));
  EXPECT_THAT(get("http://user:geheim@/x").error().to_string(), Not(HasSubstr("geheim")));
}

}  // namespace
}  // namespace weir::http
