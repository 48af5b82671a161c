#include "secrets/secret_vault.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/fault_point.h"
#include "crypto/wipe.h"
#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "io/system_error.h"
#include "model/secret_name.h"

namespace weir::secrets {
namespace {

/// Held by whoever changes the file or the key; readers do not need it.
Result<io::Descriptor> lock_changes(const SecretPlaces& places) {
  const std::filesystem::path folder = places.state_dir();
  for (const auto& each : {folder.parent_path(), folder}) {
    if (::mkdir(each.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(io::system_error("make the folder", each.string()));
    }
  }
  const std::string path = (folder / "secret.lock").string();
  io::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail(io::system_error("open", path));
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(io::system_error("lock", path));
  }
  return file;
}

Result<std::optional<std::string>> read_if_there(const std::filesystem::path& path) {
  auto text = io::read_small_file(path.string(), largest_sealed_file_bytes);
  if (text) return std::optional(*std::move(text));
  if (text.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return fail(std::move(text).error());
}

Result<void> check_value(std::string_view value) {
  if (value.empty()) {
    return fail(ErrorCode::usage, "the value is empty",
                "give it on standard input: printf %s … | weir secret set NAME");
  }
  if (value.size() > largest_secret_bytes) {
    return fail(ErrorCode::usage,
                "the value is larger than " + std::to_string(largest_secret_bytes) + " bytes",
                "a secret is a password, a token or a key; keep larger things in files");
  }
  return {};
}

}  // namespace

Result<std::optional<SecretVault::Opened>> SecretVault::open() const {
  const auto text = WEIR_TRY(read_if_there(places_.file()));
  if (!text) return std::nullopt;
  SealedFile file = WEIR_TRY(parse_sealed_file(*text, places_.file_name()));
  FoundKey key = WEIR_TRY(find_key(places_, file.key_id));
  WEIR_TRY(verify_sealed_file(*text, file, key.key, places_.environment, places_.file_name()));
  return Opened{std::move(file), std::move(key)};
}

Result<void> SecretVault::write(const SealedFile& file, const crypto::SealingKey& key) const {
  const std::string text = write_sealed_file(file, key);
  if (text.size() > largest_sealed_file_bytes) {
    return fail(ErrorCode::usage, places_.file_name() + " would grow too large",
                "remove secrets that nobody uses with `weir secret rm`");
  }
  return io::write_file_atomically(places_.file().string(), text);
}

/// A rotation that was cut short after the file was sealed has its key placed now; one that did not
/// come that far leaves nothing.
Result<void> SecretVault::end_rotation() const {
  if (::access(places_.next_key_file().c_str(), F_OK) != 0) return {};
  const auto text = WEIR_TRY(read_if_there(places_.file()));
  const std::string next = places_.next_key_file().string();
  if (text) {
    const SealedFile file = WEIR_TRY(parse_sealed_file(*text, places_.file_name()));
    const auto key = read_key_file(next);
    if (key && key->id() == file.key_id) {
      if (::rename(next.c_str(), places_.key_file().c_str()) != 0) {
        return fail(io::system_error("rename", next));
      }
      return io::sync_folder(places_.state_dir().string());
    }
  }
  if (::unlink(next.c_str()) != 0) return fail(io::system_error("remove", next));
  return {};
}

Result<crypto::SealingKey> SecretVault::first_key(SetOutcome& outcome) const {
  auto found = find_key(places_, {});
  if (found) return std::move(found->key);
  if (found.error().code != ErrorCode::not_found) return fail(std::move(found).error());
  crypto::SealingKey key = crypto::SealingKey::generate();
  WEIR_TRY(write_key_file(places_.key_file(), key));
  outcome.made_key = true;
  fault_point("secret-key-made");
  return key;
}

Result<SetOutcome> SecretVault::set(const std::string& name, std::string_view value) {
  WEIR_TRY(check_secret_name(name));
  WEIR_TRY(check_value(value));
  const auto lock = WEIR_TRY(lock_changes(places_));
  WEIR_TRY(end_rotation());
  SetOutcome outcome;
  outcome.hidden_by_environment = places_.variable(secret_variable(name)).has_value();
  auto opened = WEIR_TRY(open());
  if (!opened) {
    opened = Opened{{places_.environment, {}, {}}, {WEIR_TRY(first_key(outcome)), KeySource::file}};
  }
  std::vector<SealedEntry>& entries = opened->file.entries;
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const SealedEntry& entry, const std::string& wanted) { return entry.name < wanted; });
  SealedEntry entry =
      seal_entry(places_.environment, name, value, format_timestamp(clock_.now()), opened->key.key);
  outcome.replaced = at != entries.end() && at->name == name;
  if (outcome.replaced) {
    *at = std::move(entry);
  } else {
    entries.insert(at, std::move(entry));
  }
  WEIR_TRY(write(opened->file, opened->key.key));
  return outcome;
}

Result<void> SecretVault::remove(const std::string& name) {
  WEIR_TRY(check_secret_name(name));
  const auto lock = WEIR_TRY(lock_changes(places_));
  WEIR_TRY(end_rotation());
  auto opened = WEIR_TRY(open());
  if (!opened || opened->file.find(name) == nullptr) {
    return fail(ErrorCode::not_found, places_.file_name() + " holds no secret '" + name + "'",
                "`weir secret list" + places_.environment_option() + "` shows what it holds");
  }
  std::erase_if(opened->file.entries, [&](const SealedEntry& entry) { return entry.name == name; });
  return write(opened->file, opened->key.key);
}

Result<crypto::SealingKey> SecretVault::new_key(KeySource present) const {
  if (present != KeySource::environment) return crypto::SealingKey::generate();
  auto text = places_.variable(new_key_variable);
  if (!text) {
    return fail(
        ErrorCode::usage,
        std::string("the key comes from ") + sealing_key_variable + ", which weir cannot change",
        std::string("make a new one (openssl rand -hex 32), give it in ") + new_key_variable +
            ", and put it into " + sealing_key_variable + " once this is done");
  }
  const crypto::WipedAtEnd wiped(*text);
  auto key = crypto::SealingKey::from_text(*text);
  if (!key) {
    return fail(ErrorCode::usage, std::string(new_key_variable) + ": " + key.error().message,
                key.error().fix);
  }
  return key;
}

Result<std::string> SecretVault::rotate() {
  const auto lock = WEIR_TRY(lock_changes(places_));
  WEIR_TRY(end_rotation());
  const auto opened = WEIR_TRY(open());
  if (!opened) {
    return fail(ErrorCode::not_found, "there is no " + places_.file_name() + " to seal again",
                "`weir secret set NAME" + places_.environment_option() + "` makes it");
  }
  const crypto::SealingKey key = WEIR_TRY(new_key(opened->key.source));
  SealedFile sealed = opened->file;
  for (SealedEntry& entry : sealed.entries) {
    std::string value =
        WEIR_TRY(open_entry(places_.environment, entry, opened->key.key, places_.file_name()));
    const crypto::WipedAtEnd wiped(value);
    entry = seal_entry(places_.environment, entry.name, value, entry.set_at, key);
  }
  const bool in_file = opened->key.source != KeySource::environment;
  if (in_file) WEIR_TRY(write_key_file(places_.next_key_file(), key));
  fault_point("secret-next-key-written");
  WEIR_TRY(write(sealed, key));
  fault_point("secret-file-sealed");
  if (in_file) WEIR_TRY(end_rotation());
  fault_point("secret-key-placed");
  return key.id();
}

Result<std::vector<ListedSecret>> SecretVault::list(const std::vector<std::string>& used) const {
  std::map<std::string, ListedSecret> all;
  for (const std::string& name : used) all[name].name = name;
  if (const auto text = WEIR_TRY(read_if_there(places_.file()))) {
    const SealedFile file = WEIR_TRY(parse_sealed_file(*text, places_.file_name()));
    const auto key = find_key(places_, file.key_id);
    if (!key && key.error().code != ErrorCode::not_found) return fail(key.error());
    if (key) {
      WEIR_TRY(verify_sealed_file(*text, file, key->key, places_.environment, places_.file_name()));
    }
    for (const SealedEntry& entry : file.entries) {
      all[entry.name] = {entry.name, ListedSecret::Source::file, entry.value_bytes(), entry.set_at};
    }
  }
  std::vector<ListedSecret> listed;
  for (auto& [name, secret] : all) {
    if (const auto value = places_.variable(secret_variable(name))) {
      secret = {name, ListedSecret::Source::environment, value->size(), {}};
    }
    listed.push_back(std::move(secret));
  }
  return listed;
}

}  // namespace weir::secrets
