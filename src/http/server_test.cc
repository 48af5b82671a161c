#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "http/raw_client_for_test.h"

namespace weir::http {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "\r\n";
}

Response echo(const Request& request) {
  if (request.head.path == "/throw") throw std::runtime_error("on purpose");
  if (request.head.path == "/long") return {200, {}, std::string(8u << 20, 'x')};
  if (request.head.path == "/break") return {200, {{"x", "a\r\nset-cookie: b"}}, ""};
  return {200, {{"content-type", "text/plain"}}, request.head.path + " " + request.body};
}

std::unique_ptr<Server> serve(ServerOptions options = {}, Handler handler = echo,
                              Admission admit = nullptr) {
  return std::move(
      Server::listen(std::move(options), std::move(handler), std::move(admit)).value());
}

TEST(HttpServerTest, AnswersAndKeepsTheConnection) {
  const auto server = serve();
  ASSERT_NE(server->address().port, 0);
  RawClient client(server->address());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/a"));
    const std::string answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n/a "));
    EXPECT_THAT(answer, HasSubstr("connection: keep-alive\r\n"));
    EXPECT_THAT(answer, HasSubstr("x-content-type-options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("content-security-policy: default-src 'none'"));
  }
  client.send(get("/b", "Connection: close\r\n"));
  EXPECT_THAT(client.read_to_end(), HasSubstr("connection: close\r\n"));
}

TEST(HttpServerTest, HeadHasNoBody) {
  const auto server = serve();
  RawClient client(server->address());
  client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n" + get("/x", "Connection: close\r\n"));
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("/abc ")));
  EXPECT_THAT(all, EndsWith("/x ")) << "the next answer is read right";
}

TEST(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  const auto server = serve({.workers = 4});
  RawClient client(server->address());
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += get("/" + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(client.read_answer(), EndsWith("/" + std::to_string(i) + " "));
  }
}

TEST(HttpServerTest, BodiesAreReadByLengthAndInChunks) {
  const auto server = serve();
  RawClient client(server->address());
  client.send("POST /l HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(client.read_answer(), EndsWith("/l hello"));
  client.send("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n");
  client.send("3\r\nllo\r\n0\r\n\r\n");
  EXPECT_THAT(client.read_answer(), EndsWith("/c hello"));
  client.send("PUT /e HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read_answer(), EndsWith("/e ok"));
}

TEST(HttpServerTest, WhatIsTooLongIsToldEvenToThoseWhoGoOnSending) {
  const auto server = serve({.head_bytes = 500, .body_bytes = 1000});
  RawClient head(server->address());
  head.send(get("/", "A: " + std::string(100'000, 'a') + "\r\n"));
  EXPECT_THAT(head.read_to_end(), StartsWith("HTTP/1.1 431 "));
  RawClient body(server->address());
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
            std::string(100'000, 'b'));
  EXPECT_THAT(body.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServerTest, BadFramingEndsTheConnection) {
  const auto server = serve();
  for (const char* request :
       {"GET / HTTP/1.1\nHost: h\n\n", "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    RawClient client(server->address());
    client.send(request);
    const std::string all = client.read_to_end();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 400 Bad Request\r\n")) << request;
    EXPECT_THAT(all, HasSubstr("application/problem+json"));
    EXPECT_THAT(all, Not(HasSubstr("smuggled")));
  }
}

/// What a server that waits briefly says to `part`. It says nothing when not a byte came in time,
/// as happens on a machine that is busy: then it is asked again.
std::string answer_to_part(const Server& server, std::string_view part) {
  for (;;) {
    RawClient client(server.address());
    client.send(part);
    if (std::string all = client.read_to_end(); !all.empty()) return all;
  }
}

TEST(HttpServerTest, HalfARequestDoesNotHoldTheConnection) {
  const auto server = serve({.head_time = milliseconds(50), .body_time = milliseconds(50)});
  EXPECT_THAT(answer_to_part(*server, "GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(
      answer_to_part(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"),
      StartsWith("HTTP/1.1 408 "));
  RawClient silent(server->address());
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST(HttpServerTest, WhoGoesAmidARequestIsNotAnswered) {
  const auto server = serve();
  RawClient gone(server->address());
  gone.send("GET / HT");
  gone.finish_sending();
  EXPECT_EQ(gone.read_to_end(), "");
}

/// Each byte comes in time, the whole does not.
TEST(HttpServerTest, SlowlorisIsCutOff) {
  const auto server = serve({.head_time = milliseconds(200)});
  std::string answer;
  while (answer.empty()) {  // nothing is said when not a byte came in time
    RawClient client(server->address());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n");
    std::atomic<bool> done = false;
    std::thread dripping([&] {
      while (!done && client.send("A: b\r\n")) std::this_thread::sleep_for(milliseconds(5));
    });
    answer = client.read_to_end();
    done = true;
    dripping.join();
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServerTest, ThoseWhoWaitMakeRoomForThoseWhoAsk) {
  const auto server = serve({.most_connections = 8});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<RawClient>(server->address()));
    slow.back()->send("GET / HTTP/1.1\r\nHost: h\r\nA: ");
    RawClient client(server->address());
    client.send(get("/in", "Connection: close\r\n"));
    EXPECT_THAT(client.read_to_end(), EndsWith("/in "));
    EXPECT_LE(server->connections(), 8u);
  }
}

TEST(HttpServerTest, WhenAllAreAtWorkTheNextIsSentAway) {
  std::promise<void> go;
  const std::shared_future<void> may_go = go.get_future().share();
  std::promise<void> working;
  const auto server = serve({.workers = 1, .most_connections = 1}, [&](const Request& request) {
    if (request.head.path == "/wait") {
      working.set_value();
      may_go.wait();
    }
    return echo(request);
  });
  RawClient busy(server->address());
  busy.send(get("/wait"));
  working.get_future().wait();
  RawClient next(server->address());
  EXPECT_THAT(next.read_to_end(), StartsWith("HTTP/1.1 503 "));
  go.set_value();
  EXPECT_THAT(busy.read_answer(), EndsWith("/wait "));
}

TEST(HttpServerTest, AClientThatDoesNotReadIsCutOff) {
  std::promise<void> asked;
  const auto server = serve({.write_time = milliseconds(100)}, [&](const Request& request) {
    asked.set_value();
    return echo(request);
  });
  RawClient client(server->address(), 4096);
  client.send(get("/long"));
  asked.get_future().wait();
  while (server->connections() > 0) std::this_thread::yield();  // the test's time limit says no
  EXPECT_LT(client.read_to_end().size(), 8u << 20);
  const auto patient = serve();
  RawClient reader(patient->address());
  reader.send(get("/long", "Connection: close\r\n"));
  EXPECT_GT(reader.read_to_end().size(), 8u << 20) << "who reads gets all of it";
}

TEST(HttpServerTest, HandlersMayFail) {
  const auto server = serve();
  RawClient client(server->address());
  client.send(get("/throw"));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 500 "));
  client.send(get("/break"));
  const std::string answer = client.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("set-cookie")));
  client.send(get("/fine"));
  EXPECT_THAT(client.read_answer(), EndsWith("/fine "));
}

TEST(HttpServerTest, OnlyItsOwnNamesAreAnswered) {
  const auto server = serve({.hosts = {"localhost", "[::1]"}});
  for (const auto& [host, status] :
       {std::pair("localhost", 200), std::pair("LOCALHOST:9464", 200), std::pair("[::1]:80", 200),
        std::pair("evil.example", 421), std::pair("localhost.evil.example:1", 421)}) {
    RawClient client(server->address());
    client.send("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 " + std::to_string(status))) << host;
  }
}

TEST(HttpServerTest, AHeadMayBeRefusedBeforeItsBody) {
  const auto server = serve({}, echo, [](const RequestHead& head, const std::string&) {
    if (head.path == "/no") return std::variant<uint64_t, Response>(problem(401, "no key"));
    return std::variant<uint64_t, Response>(uint64_t(3));
  });
  RawClient client(server->address());
  client.send(get("/no"));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 401 "));
  client.send("POST /yes HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(client.read_answer(), EndsWith("/yes abc")) << "on the same connection";
  client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n");
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 401 "));
  RawClient larger(server->address());
  larger.send("POST /yes HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");
  EXPECT_THAT(larger.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServerTest, DrainsWhatWasAskedAndNoMore) {
  std::promise<void> go;
  const std::shared_future<void> may_go = go.get_future().share();
  std::promise<void> working;
  const auto server = serve({}, [&](const Request& request) {
    working.set_value();
    may_go.wait();
    return echo(request);
  });
  RawClient idle(server->address());
  RawClient busy(server->address());
  busy.send(get("/slow"));
  working.get_future().wait();
  auto drained = std::async(std::launch::async, [&] { server->drain(std::chrono::seconds(30)); });
  EXPECT_EQ(idle.read_to_end(), "");
  go.set_value();
  const std::string answer = busy.read_to_end();
  EXPECT_THAT(answer, EndsWith("/slow "));
  EXPECT_THAT(answer, HasSubstr("connection: close\r\n"));
  drained.get();
  EXPECT_FALSE(RawClient(server->address()).connected());
}

TEST(HttpServerTest, APortThatIsTakenIsAnErrorOfUse) {
  const auto server = serve();
  const auto second = Server::listen({.address = server->address()}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::usage);
  EXPECT_THAT(second.error().message, HasSubstr(server->address().to_string()));
}

TEST(HttpServerTest, ManyClientsAtOnce) {
  const auto server = serve({.workers = 4});
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 16; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(server->address());
      for (int i = 0; i < 50; ++i) {
        const std::string path = "/" + std::to_string(c * 1000 + i);
        client.send(get(path));
        if (client.read_answer().ends_with("\r\n\r\n" + path + " ")) ++right;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 16 * 50);
}

TEST(HttpServerTest, AnAnswerMayComeLaterFromAnotherThread) {
  std::promise<Reply> kept;
  auto keeping = kept.get_future();
  const Exchange keep = [&](Request, Reply reply) {
    kept.set_value(std::move(reply));
    return std::function<void()>();
  };
  const auto server = std::move(Server::listen({}, keep).value());
  RawClient client(server->address());
  client.send(get("/later"));
  Reply reply = keeping.get();
  reply.send({200, {}, "now"});
  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\nnow"));
}

TEST(HttpServerTest, AReplyNobodyGivesIsA500) {
  const Exchange drop = [](Request, Reply) { return std::function<void()>(); };
  const auto server = std::move(Server::listen({}, drop).value());
  RawClient client(server->address());
  client.send(get("/"));
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 500 "));
}

TEST(HttpServerTest, AReplyMayOutliveTheServer) {
  std::promise<Reply> kept;
  auto keeping = kept.get_future();
  const Exchange keep = [&](Request, Reply reply) {
    kept.set_value(std::move(reply));
    return std::function<void()>();
  };
  auto server = std::move(Server::listen({}, keep).value());
  RawClient client(server->address());
  client.send(get("/"));
  Reply reply = keeping.get();
  server.reset();
  reply.send({200, {}, "too late"});
  EXPECT_EQ(client.read_to_end(), "");
}

/// Answers with `pieces` pieces of 100,000 bytes.
Exchange streaming(int pieces, std::promise<bool>* all_read = nullptr) {
  return [=](Request, Reply given) -> std::function<void()> {
    const auto reply = std::make_shared<Reply>(std::move(given));
    return [=] {
      const auto body = reply->stream({200, {{"content-type", "text/plain"}}, {}});
      bool read = true;
      for (int i = 0; i < pieces && read; ++i) read = body->write(std::string(100'000, 'z'));
      if (read) body->finish();
      if (all_read != nullptr) all_read->set_value(read);
    };
  };
}

TEST(HttpServerTest, ABodyOfUnknownLengthComesInChunks) {
  const auto server = std::move(Server::listen({}, streaming(30)).value());
  RawClient client(server->address());
  client.send(get("/a") + get("/b", "Connection: close\r\n"));
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_EQ(std::ranges::count(all, 'z'), 2 * 30 * 100'000);
  EXPECT_THAT(all, EndsWith("\r\n0\r\n\r\n"));
}

TEST(HttpServerTest, Http10ReadsAStreamToTheEndOfTheConnection) {
  const auto server = std::move(Server::listen({}, streaming(3)).value());
  RawClient client(server->address());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, Not(HasSubstr("chunked")));
  EXPECT_THAT(all, EndsWith(std::string(300'000, 'z')));
}

TEST(HttpServerTest, WhoMakesAStreamIsToldThatNobodyReads) {
  std::promise<bool> all_read;
  auto told = all_read.get_future();
  const auto server = std::move(Server::listen({}, streaming(100'000, &all_read)).value());
  {
    RawClient client(server->address(), 4096);
    client.send(get("/"));
    client.read_until("\r\n\r\n");
  }
  EXPECT_FALSE(told.get());
}

TEST(HttpServerTest, AStreamThatBreaksOffHasNoLastChunk) {
  const Exchange half = [](Request, Reply given) -> std::function<void()> {
    const auto reply = std::make_shared<Reply>(std::move(given));
    return [=] { reply->stream({200, {}, {}})->write("half"); };
  };
  const auto server = std::move(Server::listen({}, half).value());
  RawClient client(server->address());
  client.send(get("/"));
  const std::string all = client.read_to_end();
  EXPECT_THAT(all, HasSubstr("4\r\nhalf\r\n"));
  EXPECT_THAT(all, Not(EndsWith("0\r\n\r\n")));
}

TEST(HttpServerTest, WithoutChunksABodyThatBreaksOffIsAReset) {
  const Exchange half = [](Request, Reply given) -> std::function<void()> {
    const auto reply = std::make_shared<Reply>(std::move(given));
    return [=] { reply->stream({200, {}, {}})->write("half"); };
  };
  const auto server = std::move(Server::listen({}, half).value());
  RawClient client(server->address());
  client.send("GET / HTTP/1.0\r\n\r\n");
  client.read_to_end();
  EXPECT_EQ(client.last_error(), ECONNRESET);
}

TEST(HttpServerTest, AWriteThatWaitsEndsWhenTheBodyIsCut) {
  std::promise<std::shared_ptr<BodyWriter>> begun;
  std::promise<bool> written;
  const Exchange endless = [&](Request, Reply given) -> std::function<void()> {
    const auto reply = std::make_shared<Reply>(std::move(given));
    return [&, reply] {
      const std::shared_ptr<BodyWriter> body = reply->stream({200, {}, {}});
      begun.set_value(body);
      const std::string piece(100'000, 'z');
      while (body->write(piece)) {
      }
      written.set_value(body->gone());
    };
  };
  const auto server = std::move(Server::listen({}, endless).value());
  RawClient client(server->address(), 4096);
  client.send(get("/"));  // and reads nothing: the writer comes to wait
  begun.get_future().get()->cut();
  EXPECT_FALSE(written.get_future().get()) << "the client was there";
  EXPECT_THAT(client.read_to_end(), Not(EndsWith("0\r\n\r\n")));
}

TEST(HttpServerTest, WhoLeavesBeforeACostlyAnswerIsNoticed) {
  std::promise<void> asked, noticed;
  std::atomic<bool> given_up = false;
  const Exchange costly = [&](Request, Reply given) -> std::function<void()> {
    const auto reply = std::make_shared<Reply>(std::move(given));
    return [&, reply] {
      reply->watch_client();
      asked.set_value();
      while (!reply->client_left() && !given_up) std::this_thread::yield();
      if (!given_up) noticed.set_value();
    };
  };
  const auto server = std::move(Server::listen({}, costly).value());
  {
    RawClient client(server->address());
    client.send(get("/"));
    asked.get_future().get();
  }
  EXPECT_EQ(noticed.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  given_up = true;
}

}  // namespace
}  // namespace weir::http
