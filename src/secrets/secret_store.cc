#include "secrets/secret_store.h"

#include "base/redaction.h"
#include "crypto/wipe.h"
#include "io/atomic_file.h"
#include "model/secret_name.h"
#include "secrets/sealed_file.h"

namespace weir::secrets {
namespace {

/// Nothing is held between two calls: no value stays in memory for it, and a changed file counts
/// at once.
class EnvironmentThenFile final : public SecretStore {
 public:
  explicit EnvironmentThenFile(SecretPlaces places) : places_(std::move(places)) {}

  Result<std::string> get(std::string_view name) override {
    WEIR_TRY(check_secret_name(name));
    std::string value = WEIR_TRY(look_up(std::string(name)));
    keep_secret(value);
    return value;
  }

 private:
  Result<std::string> look_up(const std::string& name) const {
    const std::string variable = secret_variable(name);
    if (auto value = places_.variable(variable)) {
      if (!value->empty()) return *std::move(value);
      return fail(ErrorCode::invalid_input,
                  "the secret '" + name + "' is empty: " + variable + " is set to nothing",
                  "give " + variable + " a value, or unset it");
    }
    // A rotation replaces first the file, then the key: who reads between the two looks again.
    constexpr int looks = 5;
    Result<std::string> value = look_into_file(name);
    for (int look = 1; !value && look < looks; ++look) value = look_into_file(name);
    return value;
  }

  Result<std::string> look_into_file(const std::string& name) const {
    const std::string file_name = places_.file_name();
    auto text = io::read_small_file(places_.file().string(), largest_sealed_file_bytes);
    if (!text && text.error().code == ErrorCode::not_found) return not_set(name);
    if (!text) return fail(std::move(text).error());
    const SealedFile file = WEIR_TRY(parse_sealed_file(*text, file_name));
    const SealedEntry* const entry = file.find(name);
    if (entry == nullptr) return not_set(name);
    const FoundKey found = WEIR_TRY(find_key(places_, file.key_id));
    WEIR_TRY(verify_sealed_file(*text, file, found.key, places_.environment, file_name));
    return open_entry(file.environment, *entry, found.key, file_name);
  }

  tl::unexpected<Error> not_set(const std::string& name) const {
    return fail(ErrorCode::not_found, "the secret '" + name + "' is not set",
                "run `weir secret set " + name + places_.environment_option() + "`, or set " +
                    secret_variable(name) + " in the environment of weir");
  }

  const SecretPlaces places_;
};

}  // namespace

std::unique_ptr<SecretStore> open_secret_store(SecretPlaces places) {
  return std::make_unique<EnvironmentThenFile>(std::move(places));
}

Result<std::string> fill_in(std::string_view text, SecretStore& secrets) {
  constexpr std::string_view opening = "${secret:";
  std::string out;
  while (true) {
    const size_t at = text.find(opening);
    const size_t end = at == std::string_view::npos ? at : text.find('}', at);
    if (end == std::string_view::npos) break;
    const size_t name = at + opening.size();
    std::string value = WEIR_TRY(secrets.get(text.substr(name, end - name)));
    const crypto::WipedAtEnd wiped(value);
    out.append(text, 0, at);
    out += value;
    text.remove_prefix(end + 1);
  }
  out += text;
  return out;
}

}  // namespace weir::secrets
