#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "postgres/connection.h"
#include "server/options.h"

namespace weir::postgres {

/// A PostgreSQL server of its own in a temporary folder, on a Unix socket and a free port of
/// 127.0.0.1, that goes with the object or the process. Run as root, it belongs to `postgres`.
/// By socket everybody comes in, by TCP the superuser `owner` with the password.
class TestServer {
 public:
  static constexpr const char* password = "horse-battery-staple";

  TestServer() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
    if (::geteuid() == 0) {
      const passwd* account = ::getpwnam("postgres");
      if (account == nullptr) account = ::getpwnam("nobody");
      user_ = account->pw_uid;
      group_ = account->pw_gid;
      if (::chown(root_.c_str(), user_, group_) != 0) std::abort();
    }
    port_ = free_port();
    initialize();
    start();
  }
  ~TestServer() {
    stop_at_once();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  /// The one of this test binary.
  static TestServer& shared() {
    static TestServer server;
    return server;
  }

  server::Options by_socket() const {
    server::Options options;
    options.host = root_;
    options.port = port_;
    options.user = "owner";
    options.database = "postgres";
    return options;
  }
  server::Options by_tcp() const {
    server::Options options = by_socket();
    options.host = "127.0.0.1";
    options.password = password;
    return options;
  }
  std::unique_ptr<server::Connection> connect() const {
    auto connection = postgres::connect(by_socket());
    if (!connection) {
      ADD_FAILURE() << connection.error().to_string() << "\n" << log();
      std::abort();
    }
    return std::move(*connection);
  }

  /// As if the machine's power went. Every session is gone when this returns.
  void stop_at_once() {
    if (server_ <= 0) return;
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    server_ = -1;
    reader_.join();
  }
  /// Again, on the same data and port.
  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    server_ = spawn({"postgres",
                     "-D",
                     root_ + "/data",
                     "-k",
                     root_,
                     "-p",
                     std::to_string(port_),
                     "-c",
                     "listen_addresses=127.0.0.1",
                     "-c",
                     "fsync=off",
                     "-c",
                     "full_page_writes=off",
                     "-c",
                     "shared_buffers=32MB",
                     "-c",
                     "max_connections=40",
                     "-c",
                     "logging_collector=off",
                     "-c",
                     "log_destination=stderr"},
                    ends[1]);
    ::close(ends[1]);
    std::promise<bool> ready;
    auto started = ready.get_future();
    reader_ = std::thread([this, from = ends[0], ready = std::move(ready)]() mutable {
      read_log(from, std::move(ready));
    });
    if (!started.get()) {
      std::fprintf(stderr, "the test's Postgres does not start:\n%s\n", log().c_str());
      std::abort();
    }
  }
  uint16_t port() const { return port_; }
  const std::string& folder() const { return root_; }

 private:
  static std::string binary(const std::string& name) {
    std::string newest;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const auto path = entry.path() / "bin" / name;
      if (std::filesystem::exists(path) && path.string() > newest) newest = path.string();
    }
    return newest.empty() ? name : newest;
  }

  static uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket, generic, size) != 0 || ::getsockname(socket, generic, &size) != 0) {
      std::abort();
    }
    ::close(socket);
    return ntohs(address.sin_port);
  }

  std::string log() const {
    std::ifstream file(root_ + "/server.log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Its output goes to `output`, a descriptor.
  pid_t spawn(const std::vector<std::string>& words, int output) const {
    const std::string program = binary(words[0]);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::dup2(output, 1);
    ::dup2(output, 2);
    if (::chdir("/") != 0) ::_exit(126);
    if (user_ != 0 && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    // The server's immediate shutdown, when the test dies without a word.
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent) ::_exit(126);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::execvp(program.c_str(), arguments.data());
    ::_exit(127);
  }

  void initialize() const {
    {
      std::ofstream file(root_ + "/password");
      file << password << "\n";
    }
    const int output =
        ::open((root_ + "/initdb.log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    const pid_t child = spawn({"initdb", "-D", root_ + "/data", "-U", "owner", "-E", "UTF8",
                               "--locale=C.UTF-8", "--no-sync", "--auth-local=trust",
                               "--auth-host=scram-sha-256", "--pwfile=" + root_ + "/password"},
                              output);
    ::close(output);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status == 0) return;
    std::ifstream file(root_ + "/initdb.log");
    std::fprintf(stderr, "initdb failed:\n%s\n",
                 std::string(std::istreambuf_iterator<char>(file), {}).c_str());
    std::abort();
  }

  /// Until the server ends; says whether it got as far as taking connections.
  void read_log(int from, std::promise<bool> ready) {
    std::ofstream kept(root_ + "/server.log", std::ios::app);
    std::string seen;
    bool told = false;
    char bytes[4096];
    for (ssize_t got; (got = ::read(from, bytes, sizeof bytes)) > 0;) {
      kept.write(bytes, got);
      kept.flush();
      if (told) continue;
      seen.append(bytes, static_cast<size_t>(got));
      if (seen.find("ready to accept connections") == std::string::npos) continue;
      told = true;
      ready.set_value(true);
    }
    if (!told) ready.set_value(false);
    ::close(from);
  }

  std::string root_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  uint16_t port_ = 0;
  pid_t server_ = -1;
  std::thread reader_;
};

}  // namespace weir::postgres
