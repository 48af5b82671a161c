#include "io/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"

namespace weir::io {
namespace {

constexpr size_t input_bytes = 64u << 10;
constexpr int gzip_window = 15 + 16;  // the largest window, and a gzip wrapper is required

}  // namespace

struct GzipStream::State {
  ByteStream& compressed;
  z_stream zlib{};
  std::vector<char> input = std::vector<char>(input_bytes);
  uint64_t input_end = 0;  // offset in the compressed input behind what is in `input`
  bool in_member = false;  // between a member's first byte and its trailer
  bool seen_member = false;
  bool ended = false;

  explicit State(ByteStream& stream) : compressed(stream) {
    WEIR_CHECK(inflateInit2(&zlib, gzip_window) == Z_OK, "zlib cannot start");
  }
  ~State() { inflateEnd(&zlib); }

  uint64_t offset() const { return input_end - zlib.avail_in; }

  tl::unexpected<Error> damaged(const std::string& what) const {
    return fail(ErrorCode::invalid_input,
                "damaged gzip data at byte " + std::to_string(offset()) + ": " + what,
                "write the file again");
  }

  Result<bool> refill() {
    const size_t got = WEIR_TRY(compressed.read(input.data(), input.size()));
    zlib.next_in = reinterpret_cast<Bytef*>(input.data());
    zlib.avail_in = static_cast<uInt>(got);
    input_end += got;
    return got > 0;
  }

  // Called when a member has to go on or a new one may start. False: the input ends properly.
  Result<bool> ensure_input() {
    if (zlib.avail_in > 0) return true;
    if (WEIR_TRY(refill())) return true;
    if (in_member) return damaged("it is cut off");
    if (!seen_member) return damaged("it is empty");
    return false;
  }

  Result<void> start_member() {
    if (seen_member && static_cast<unsigned char>(*zlib.next_in) != 0x1f) {
      return damaged("garbage behind the last member");
    }
    inflateReset(&zlib);
    in_member = true;
    seen_member = true;
    return {};
  }
};

GzipStream::GzipStream(ByteStream& compressed) : state_(std::make_unique<State>(compressed)) {}
GzipStream::~GzipStream() = default;

Result<size_t> GzipStream::read(char* buffer, size_t capacity) {
  State& state = *state_;
  size_t done = 0;
  while (done < capacity && !state.ended) {
    if (!WEIR_TRY(state.ensure_input())) {
      state.ended = true;
      break;
    }
    if (!state.in_member) WEIR_TRY(state.start_member());
    const size_t room = std::min<size_t>(capacity - done, std::numeric_limits<uInt>::max());
    state.zlib.next_out = reinterpret_cast<Bytef*>(buffer + done);
    state.zlib.avail_out = static_cast<uInt>(room);
    const int status = inflate(&state.zlib, Z_NO_FLUSH);
    done += room - state.zlib.avail_out;
    if (status == Z_STREAM_END) {
      state.in_member = false;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return state.damaged(state.zlib.msg != nullptr ? state.zlib.msg : "it does not inflate");
    }
  }
  return done;
}

}  // namespace weir::io
