#include "secrets/key_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "crypto/wipe.h"
#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "io/system_error.h"
#include "model/secret_name.h"

namespace weir::secrets {
namespace {

constexpr size_t largest_key_file_bytes = 4096;

Result<std::string> read_all(int descriptor, const std::string& path) {
  std::string text(largest_key_file_bytes, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(io::system_error("read", path));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

Result<crypto::SealingKey> key_of(std::string text, const std::string& where) {
  const crypto::WipedAtEnd wiped(text);
  auto key = crypto::SealingKey::from_text(text);
  if (!key)
    return fail(ErrorCode::invalid_input, where + ": " + key.error().message, key.error().fix);
  return key;
}

}  // namespace

std::optional<std::string> process_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string SecretPlaces::file_name() const {
  return environment == "default" ? "weir.secrets" : "weir." + environment + ".secrets";
}

std::string SecretPlaces::environment_option() const {
  return environment == "default" ? "" : " --env " + environment;
}

Result<crypto::SealingKey> read_key_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  const io::Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail(io::system_error("open", name));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(io::system_error("examine", name));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input, name + " is no regular file", "put the key itself there");
  }
  if (status.st_uid != ::geteuid()) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{} belongs to user {}, and this is user {}", name, status.st_uid, ::geteuid()),
        "run weir as the user who owns the project's state");
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{} has the mode {:04o}: others may use the key", name, status.st_mode & 07777),
        "chmod 600 " + name + "; if somebody may have read it: `weir secret rotate`");
  }
  return key_of(WEIR_TRY(read_all(file.get(), name)), name);
}

Result<void> write_key_file(const std::filesystem::path& path, const crypto::SealingKey& key) {
  const std::filesystem::path folder = path.parent_path();
  for (const auto& each : {folder.parent_path(), folder}) {
    if (::mkdir(each.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(io::system_error("make the folder", each.string()));
    }
  }
  const std::filesystem::path ignore = folder.parent_path() / ".gitignore";
  std::error_code ignored;
  if (!std::filesystem::exists(ignore, ignored)) {
    WEIR_TRY(io::write_file_atomically(ignore.string(), "*\n"));
  }
  std::string text = key.to_text() + "\n";
  const crypto::WipedAtEnd wiped(text);
  return io::write_file_atomically(path.string(), text, io::FileAccess::owner_only);
}

Result<FoundKey> find_key(const SecretPlaces& places, std::string_view key_id) {
  if (auto text = places.variable(sealing_key_variable)) {
    return FoundKey{WEIR_TRY(key_of(*std::move(text), sealing_key_variable)),
                    KeySource::environment};
  }
  auto key = read_key_file(places.key_file());
  if (!key && key.error().code != ErrorCode::not_found) return fail(std::move(key).error());
  if (key && key->id() == key_id) return FoundKey{*std::move(key), KeySource::file};
  if (auto next = read_key_file(places.next_key_file()); next && next->id() == key_id) {
    return FoundKey{*std::move(next), KeySource::next_file};
  }
  // verify_sealed_file() says best what another key means.
  if (key) return FoundKey{*std::move(key), KeySource::file};
  return fail(ErrorCode::not_found, "the key that opens " + places.file_name() + " is not here",
              "put it into " + places.key_file().string() + " (mode 0600) or into " +
                  sealing_key_variable +
                  "; if it is lost, so are the values: remove the file and set them again");
}

}  // namespace weir::secrets
