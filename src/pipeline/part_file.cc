#include "pipeline/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "io/atomic_file.h"
#include "io/file_stream.h"
#include "io/system_error.h"
#include "io/write_all.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using text::Json;

constexpr size_t largest_state = 64 * 1024;

/// Differs after each start of the machine; empty where that cannot be told.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

Result<PartFile> PartFile::open(const std::filesystem::path& folder, const std::string& name) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::io,
                "cannot make the folder " + folder.string() + ": " + error.message());
  }
  const std::string path = (folder / (name + ".part")).string();
  io::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail(io::system_error("open", path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::busy, "another download of this pipeline is on its way");
  }
  PartFile part(folder, name, std::move(file));
  io::remove_abandoned_writes(part.json_.string());
  WEIR_TRY(part.load());
  return part;
}

Result<void> PartFile::load() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail(io::system_error("look at", part_.string()));
  size_ = static_cast<uint64_t>(status.st_size);
  const auto text = io::read_small_file(json_.string(), largest_state);
  const auto json = text ? Json::parse(*text) : fail(text.error());
  if (!json) return truncate();  // not there, or not ours: begin anew
  state_.url_digest = (*json)["url_digest"].as_string();
  state_.target = (*json)["target"].as_string();
  state_.validator = (*json)["validator"].as_string();
  state_.encoding = (*json)["encoding"].as_string();
  state_.etag = (*json)["etag"].as_string();
  state_.last_modified = (*json)["last_modified"].as_string();
  if (const int64_t total = (*json)["total"].as_int(-1); total >= 0) {
    state_.total = static_cast<uint64_t>(total);
  }
  state_.put_run = (*json)["put_run"].as_string();
  state_.put_version = (*json)["put_version"].as_string();
  const std::string boot = boot_id();
  if (boot.empty() || (*json)["boot"].as_string() != boot) return truncate();
  return {};
}

Result<void> PartFile::save() const {
  Json json = Json::object();
  json.set("url_digest", state_.url_digest).set("target", state_.target);
  json.set("validator", state_.validator).set("encoding", state_.encoding);
  json.set("etag", state_.etag).set("last_modified", state_.last_modified);
  if (state_.total) json.set("total", *state_.total);
  json.set("put_run", state_.put_run).set("put_version", state_.put_version);
  json.set("boot", boot_id());
  return io::write_file_atomically(json_.string(), json.to_string() + "\n",
                                   io::FileAccess::owner_only);
}

Result<void> PartFile::truncate() {
  if (::ftruncate(file_.get(), 0) != 0) return fail(io::system_error("empty", part_.string()));
  size_ = 0;
  return {};
}

Result<void> PartFile::begin(PartState state) {
  // First the bytes: a state never stands beside those of another.
  WEIR_TRY(truncate());
  state.put_run = state_.put_run;
  state.put_version = state_.put_version;
  state_ = std::move(state);
  return save();
}

Result<void> PartFile::append(std::string_view bytes) {
  WEIR_TRY(io::write_all_at(file_.get(), bytes, size_, part_.string()));
  size_ += bytes.size();
  return {};
}

Result<void> PartFile::putting(const std::string& run, const std::string& version) {
  state_.put_run = run;
  state_.put_version = version;
  return save();
}

Result<void> PartFile::clear() { return begin({}); }

Result<std::unique_ptr<io::ByteStream>> PartFile::read() const {
  std::unique_ptr<io::ByteStream> stream = WEIR_TRY(io::FileStream::open(part_.string()));
  return stream;
}

}  // namespace weir::pipeline
