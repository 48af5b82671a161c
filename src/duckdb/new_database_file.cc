#include "duckdb/new_database_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fault_point.h"
#include "duckdb/native.h"
#include "io/atomic_file.h"
#include "io/descriptor.h"

namespace weir::duckdb {
namespace {

constexpr const char* access_fix = "check that the folder exists and can be written";

/// Nothing is lost with a file without a byte; who holds it may be about to write its first.
bool is_empty_and_free(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error))) return false;
  if (std::filesystem::file_size(path, error) != 0 || error) return false;
  const io::Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  return file.get() >= 0 && ::fcntl(file.get(), F_SETLK, &lock) == 0;
}

Result<void> create(const std::string& path) {
  duckdb_database database = nullptr;
  char* message = nullptr;
  if (duckdb_open_ext(path.c_str(), &database, nullptr, &message) != DuckDBSuccess) {
    const std::string why = message == nullptr ? "unknown error" : message;
    duckdb_free(message);
    return fail(ErrorCode::io, "cannot make the database '" + path + "': " + why, access_fix);
  }
  duckdb_close(&database);
  return {};
}

}  // namespace

Result<void> make_database_file(const std::string& path) {
  std::error_code error;
  const bool missing = !std::filesystem::exists(std::filesystem::symlink_status(path, error));
  if (!missing && !is_empty_and_free(path)) return {};
  const std::string unfinished = path + ".new";
  std::filesystem::remove(unfinished, error);  // of a process that was killed
  WEIR_TRY(create(unfinished));
  fault_point("database-made");
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::filesystem::remove(unfinished, error);
    return fail(ErrorCode::io, "cannot make the database '" + path + "': " + why, access_fix);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return io::sync_folder(folder.empty() ? "." : folder);
}

}  // namespace weir::duckdb
