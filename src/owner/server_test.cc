#include "owner/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>

#include "owner/client.h"
#include "owner/test_support.h"

namespace weir::owner {
namespace {

const Identity self{::getpid(), "up", "1.0"};

class ServerTest : public ::testing::Test {
 protected:
  void listen(const ServerOptions& options = {}) {
    server = Server::listen(state, self, options).value();
  }
  Client connect() { return Client::connect(state).value().value(); }
  Result<CallEnd> call(std::string verb, FrameSink& sink) {
    return connect().call({"1.0", std::move(verb), {}}, sink, {});
  }
  /// A raw connection that need not follow the protocol.
  LineChannel raw() {
    io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr_un address = state.address(socket_name);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return LineChannel(std::move(socket), max_frame_bytes);
  }
  /// The frames that answer these bytes.
  std::vector<text::Json> answer_to(const std::string& bytes) {
    LineChannel channel = raw();
    channel.write(bytes, {});
    std::vector<text::Json> frames;
    std::string line;
    while (channel.read_line(line, {}) == Exchange::done) {
      frames.push_back(text::Json::parse(line).value());
    }
    return frames;
  }

  ProjectFolder folder;
  StateDirectory state = folder.open_state();
  std::unique_ptr<Server> server;
};

Result<void> echo(const Request& request, FrameSink& sink) {
  if (request.verb == "fail") return fail(ErrorCode::not_found, "no such thing", "name another");
  sink.send(frame_of("row", request.verb));
  sink.send(frame_of("row", request.args));
  return {};
}

TEST_F(ServerTest, AnswersFrameByFrame) {
  listen();
  server->serve(echo);
  CollectingSink sink;
  Client client = connect();
  ASSERT_EQ(client.call({"1.0", "query", text::Json::object().set("a", 1)}, sink, {}).value(),
            CallEnd::answered);
  ASSERT_EQ(sink.frames.size(), 2u);
  EXPECT_EQ(sink.frames[0]["value"].as_string(), "query");
  EXPECT_EQ(sink.frames[1]["value"]["a"].as_int(), 1);
  EXPECT_EQ(client.owner()->to_string(), self.to_string());
}

TEST_F(ServerTest, ErrorsTravelWhole) {
  listen();
  server->serve(echo);
  CollectingSink sink;
  const auto result = call("fail", sink);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_EQ(result.error().to_string(), "no such thing; name another");
}

TEST_F(ServerTest, SocketIsForItsUserOnly) {
  listen();
  struct stat status {};
  ASSERT_EQ(::stat((state.path() / socket_name).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(state.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(state.path() / socket_name));
}

TEST_F(ServerTest, WorksBelowAPathLongerThanASocketAddress) {
  std::filesystem::path deep = folder.path();
  for (int i = 0; i < 6; ++i) deep /= std::string(60, 'd');
  std::filesystem::create_directories(deep / ".weir");
  const StateDirectory far = StateDirectory::open(deep / ".weir" / "default").value();
  const auto listening = Server::listen(far, self).value();
  listening->serve(echo);
  CollectingSink sink;
  EXPECT_EQ(Client::connect(far).value().value().call({"1.0", "x", {}}, sink, {}).value(),
            CallEnd::answered);
}

TEST_F(ServerTest, AnotherVersionIsRefusedByBothSides) {
  listen();
  std::atomic<int> handled = 0;
  server->serve([&](const Request&, FrameSink&) -> Result<void> {
    ++handled;
    return {};
  });
  CollectingSink sink;
  const auto result = connect().call({"2.0", "run", {}}, sink, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unavailable);
  const auto frames = answer_to("{\"weir\":\"2.0\",\"verb\":\"run\"}\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1]["error"]["code"].as_string(), "unavailable");
  EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, RefusesNonsenseAndGoesOn) {
  listen();
  server->serve(echo);
  for (const std::string& bytes : {std::string("{\"weir\":\n"), std::string("\n"),
                                   std::string("[1,2]\n"), std::string(200, '[') + "\n"}) {
    const auto frames = answer_to(bytes);
    ASSERT_EQ(frames.size(), 2u) << bytes;
    EXPECT_EQ(frames[0]["frame"].as_string(), "hello");
    EXPECT_EQ(frames[1]["error"]["code"].as_string(), "invalid_input");
  }
  CollectingSink sink;
  EXPECT_EQ(call("x", sink).value(), CallEnd::answered);
}

TEST_F(ServerTest, RefusesARequestWithoutEnd) {
  listen();
  server->serve(echo);
  const auto frames = answer_to(std::string(max_request_bytes + 100'000, 'a'));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1]["error"]["message"].as_string(), "the request is longer than 4 MiB");
}

TEST_F(ServerTest, AClientThatSendsNothingIsDropped) {
  listen({.request_limit = std::chrono::milliseconds(10)});
  server->serve(echo);
  const auto frames = answer_to("{\"weir\":");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1]["error"]["code"].as_string(), "unavailable");
}

TEST_F(ServerTest, AStuckClientHoldsUpNobodyAndIsCut) {
  listen({.stall_limit = std::chrono::milliseconds(50)});
  std::promise<void> gave_up;
  server->serve([&](const Request& request, FrameSink& sink) -> Result<void> {
    if (request.verb != "flood") return echo(request, sink);
    while (sink.send(frame_of("row", std::string(10'000, 'x')))) {
    }
    gave_up.set_value();
    return {};
  });
  LineChannel stuck = raw();
  stuck.write(to_line({"1.0", "flood", {}}), {});
  CollectingSink sink;
  EXPECT_EQ(call("x", sink).value(), CallEnd::answered);
  gave_up.get_future().wait();
  server.reset();  // its thread may still be in the promise
}

TEST_F(ServerTest, MoreClientsThanThreadsAreAllServed) {
  listen({.max_requests = 2});
  server->serve(echo);
  std::vector<std::future<bool>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::async(std::launch::async, [&] {
      CollectingSink sink;
      return call("x", sink).value() == CallEnd::answered && sink.frames.size() == 2;
    }));
  }
  for (auto& client : clients) EXPECT_TRUE(client.get());
}

TEST_F(ServerTest, ADisconnectEndsStreamingNotTheWork) {
  listen();
  std::latch client_gone(1), work_done(1);
  std::atomic<bool> heard = true;
  server->serve([&](const Request&, FrameSink& sink) -> Result<void> {
    sink.send(frame_of("row"));
    client_gone.wait();
    while (sink.send(frame_of("row"))) {
    }
    heard = sink.send(frame_of("row"));
    work_done.count_down();
    return {};
  });
  {
    CollectingSink sink(0);
    EXPECT_EQ(call("run", sink).value(), CallEnd::declined);
  }
  client_gone.count_down();
  work_done.wait();
  server.reset();  // its thread may still be in the latch
  EXPECT_FALSE(heard);
}

TEST_F(ServerTest, LeavingFinishesWhatIsInFlight) {
  listen();
  std::latch started(1), go_on(1);
  server->serve([&](const Request& request, FrameSink& sink) -> Result<void> {
    if (request.verb == "long") {
      started.count_down();
      go_on.wait();
    }
    return echo(request, sink);
  });
  CollectingSink long_sink;
  auto long_call = std::async(std::launch::async, [&] { return call("long", long_sink).value(); });
  started.wait();
  auto leaving = std::async(std::launch::async, [&] { server->leave(); });
  CollectingSink sink;
  EXPECT_EQ(call("short", sink).value(), CallEnd::answered) << "still served meanwhile";
  go_on.count_down();
  EXPECT_EQ(long_call.get(), CallEnd::answered);
  EXPECT_EQ(long_sink.frames.size(), 2u);
  leaving.get();
  EXPECT_FALSE(Client::connect(state).value()) << "nobody listens any more";
}

TEST_F(ServerTest, AClientInTheBacklogOfALeavingOwnerIsUnheard) {
  listen();
  Client client = connect();
  server.reset();
  CollectingSink sink;
  EXPECT_EQ(client.call({"1.0", "x", {}}, sink, {}).value(), CallEnd::unheard);
}

TEST_F(ServerTest, AClientCutInMidAnswerIsLost) {
  listen();
  server->serve([&](const Request&, FrameSink& sink) -> Result<void> {
    sink.send(frame_of("row"));
    server->cut();
    while (sink.send(frame_of("row"))) {
    }
    return {};
  });
  CollectingSink sink;
  EXPECT_EQ(call("x", sink).value(), CallEnd::lost);
  EXPECT_GE(sink.frames.size(), 1u);
}

TEST_F(ServerTest, AnInterruptedClientDetachesAndASlowOwnerIsTold) {
  listen();  // never serves
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const io::Descriptor reading(ends[0]), writing(ends[1]);
  CallOptions options{.interrupt_fd = reading.get(), .slow = std::chrono::milliseconds(1)};
  int told = 0;
  options.on_slow = [&] {
    ++told;
    EXPECT_EQ(::write(writing.get(), "x", 1), 1);
  };
  CollectingSink sink;
  EXPECT_EQ(connect().call({"1.0", "x", {}}, sink, options).value(), CallEnd::interrupted);
  EXPECT_EQ(told, 1);
}

TEST_F(ServerTest, AHandlerThatThrowsEndsOneRequestOnly) {
  listen();
  server->serve([](const Request& request, FrameSink& sink) -> Result<void> {
    if (request.verb == "throw") throw std::bad_alloc();
    return echo(request, sink);
  });
  CollectingSink sink;
  EXPECT_EQ(call("throw", sink).error().code, ErrorCode::internal);
  EXPECT_EQ(call("x", sink).value(), CallEnd::answered);
}

}  // namespace
}  // namespace weir::owner
