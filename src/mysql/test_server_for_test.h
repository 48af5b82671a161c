#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <mysql.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "server/options.h"

namespace weir::mysql {

/// A MariaDB server of the test's own, in a temporary folder, on a free port and a socket. Stopped
/// by its pid, and its folder removed, with the object. Its user "weir" has the password below.
class TestServer {
 public:
  static constexpr const char* password = "s3cret-pässword";

  /// `arguments` as mariadbd takes them, e.g. "--local-infile=0".
  explicit TestServer(std::vector<std::string> arguments = {}) : arguments_(std::move(arguments)) {
    std::string name = (std::filesystem::temp_directory_path() / "weir-mariadb-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) give_up("mkdtemp");
    folder_ = name;
    ::chmod(name.c_str(), 0755);
    if (const passwd* user = server_user(); user != nullptr) {
      if (::chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) give_up("chown");
    }
    const pid_t install = spawn({"mariadb-install-db", "--no-defaults", "--datadir=" + data(),
                                 "--auth-root-authentication-method=normal", "--skip-test-db",
                                 "--skip-name-resolve"});
    int status = 0;
    if (::waitpid(install, &status, 0) != install || status != 0) give_up("mariadb-install-db");
    start();
    execute("CREATE DATABASE shop");
    execute(std::string("CREATE USER weir@'%' IDENTIFIED BY '") + password + "'");
    execute("GRANT ALL ON *.* TO weir@'%'");
  }
  ~TestServer() {
    kill_now();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  void start() {
    port_ = free_port();
    std::vector<std::string> command = {"mariadbd",
                                        "--no-defaults",
                                        "--datadir=" + data(),
                                        "--socket=" + socket(),
                                        "--bind-address=127.0.0.1",
                                        "--port=" + std::to_string(port_),
                                        "--pid-file=" + folder_ + "/pid",
                                        "--skip-name-resolve",
                                        "--skip-log-bin",
                                        "--innodb-buffer-pool-size=64M",
                                        "--innodb-log-file-size=64M",
                                        "--innodb-flush-log-at-trx-commit=0",
                                        "--performance-schema=OFF"};
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    pid_ = spawn(command);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!answers()) {
      if (std::chrono::steady_clock::now() > deadline) give_up("mariadbd does not answer");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  /// kill -9, as a crash.
  void kill_now() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  std::string socket() const { return folder_ + "/socket"; }
  server::Options options() const {
    server::Options options;
    options.host = "127.0.0.1";
    options.port = port_;
    options.user = "weir";
    options.password = password;
    options.database = "shop";
    return options;
  }
  /// As root, through a connection that is not weir's own.
  void execute(const std::string& sql) const {
    MYSQL* root = open();
    if (root == nullptr || mysql_query(root, sql.c_str()) != 0) give_up(sql.c_str());
    mysql_close(root);
  }

 private:
  [[noreturn]] static void give_up(const char* what) {
    std::fprintf(stderr, "test server: %s\n", what);
    std::abort();
  }
  static const passwd* server_user() {
    if (::getuid() != 0) return nullptr;
    const passwd* user = ::getpwnam("mysql");
    return user != nullptr ? user : ::getpwnam("nobody");
  }
  std::string data() const { return folder_ + "/data"; }

  pid_t spawn(const std::vector<std::string>& command) const {
    const passwd* user = server_user();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const std::string log = folder_ + "/log";
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 ||
                            ::setuid(user->pw_uid) != 0)) {
      std::_Exit(126);
    }
    // Not /tmp: a server that starts removes the temporary tables it finds there, another's too.
    ::setenv("TMPDIR", folder_.c_str(), 1);
    ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    std::_Exit(127);
  }
  MYSQL* open() const {
    MYSQL* root = mysql_init(nullptr);
    if (mysql_real_connect(root, nullptr, "root", "", nullptr, 0, socket().c_str(), 0) == nullptr) {
      mysql_close(root);
      return nullptr;
    }
    return root;
  }
  bool answers() const {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) give_up("mariadbd has ended");
    MYSQL* root = open();
    if (root == nullptr) return false;
    mysql_close(root);
    return true;
  }
  static uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      give_up("no free port");
    }
    ::close(socket);
    return ntohs(address.sin_port);
  }

  std::vector<std::string> arguments_;
  std::string folder_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

/// The one that all tests of a binary share; each makes its own tables.
inline TestServer& shared_server() {
  static TestServer server;
  return server;
}

}  // namespace weir::mysql
