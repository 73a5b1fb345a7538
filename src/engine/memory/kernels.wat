;; The byte-moving part of the engine: what a NIC's DMA engine and checksum unit do.
;; Assembled by `npm run kernels` into kernels-bytes.ts; a test holds the two equal.
(module
  (import "arena" "memory" (memory 1))

  ;; Copies len bytes; the ranges may overlap.
  (func (export "copy") (param $dst i32) (param $src i32) (param $len i32)
    (memory.copy (local.get $dst) (local.get $src) (local.get $len)))

  ;; Four 32-bit lanes to one number below 2^35, then folded below 2^16.
  (func $fold (param $lanes v128) (param $rest i32) (result i32)
    (local $sum i64)
    (local.set $sum
      (i64.add
        (i64.add
          (i64.add
            (i64.extend_i32_u (i32x4.extract_lane 0 (local.get $lanes)))
            (i64.extend_i32_u (i32x4.extract_lane 1 (local.get $lanes))))
          (i64.add
            (i64.extend_i32_u (i32x4.extract_lane 2 (local.get $lanes)))
            (i64.extend_i32_u (i32x4.extract_lane 3 (local.get $lanes)))))
        (i64.extend_i32_u (local.get $rest))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff))
                             (i64.shr_u (local.get $sum) (i64.const 16))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff))
                             (i64.shr_u (local.get $sum) (i64.const 16))))
    (local.set $sum (i64.add (i64.and (local.get $sum) (i64.const 0xffff))
                             (i64.shr_u (local.get $sum) (i64.const 16))))
    (i32.wrap_i64 (local.get $sum)))

  ;; The last len (0 to 15) bytes as little-endian 16-bit words, an odd byte padded with zero.
  (func $tail (param $p i32) (param $len i32) (result i32)
    (local $sum i32)
    (block $odd
      (loop $words
        (br_if $odd (i32.lt_u (local.get $len) (i32.const 2)))
        (local.set $sum (i32.add (local.get $sum) (i32.load16_u align=1 (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 2)))
        (local.set $len (i32.sub (local.get $len) (i32.const 2)))
        (br $words)))
    (if (local.get $len)
      (then (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $p))))))
    (local.get $sum))

  ;; RFC 1071 sum of len bytes plus init, folded to 16 bits, in little-endian byte order.
  (func $sum (export "sum") (param $p i32) (param $len i32) (param $init i32) (result i32)
    (local $lanes v128)
    (block $short
      (loop $four
        (br_if $short (i32.lt_u (local.get $len) (i32.const 64)))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load align=1 (local.get $p)))))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 align=1 (local.get $p)))))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=32 align=1 (local.get $p)))))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load offset=48 align=1 (local.get $p)))))
        (local.set $p (i32.add (local.get $p) (i32.const 64)))
        (local.set $len (i32.sub (local.get $len) (i32.const 64)))
        (br $four)))
    (block $done
      (loop $wide
        (br_if $done (i32.lt_u (local.get $len) (i32.const 16)))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (v128.load align=1 (local.get $p)))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $len (i32.sub (local.get $len) (i32.const 16)))
        (br $wide)))
    (call $fold (local.get $lanes)
      (i32.add (local.get $init) (call $tail (local.get $p) (local.get $len)))))

  ;; Little-endian 32-bit words of len bytes (a multiple of 4) added up without folding.
  (func $words (param $p i32) (param $len i32) (result i64)
    (local $sum i64) (local $end i32)
    (local.set $end (i32.add (local.get $p) (local.get $len)))
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load32_u align=1 (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $p) (local.get $end))))
    (local.get $sum))

  ;; Places one split frame: the header in 16-byte steps (up to 15 bytes too many: both sides have
  ;; the room), the payload exactly. Returns the sum of the addresses, the TCP header (l4 up to
  ;; pay), the payload and init, folded.
  (func (export "split")
    (param $src i32) (param $hdrDst i32) (param $hdrLen i32)
    (param $pay i32) (param $payDst i32) (param $payLen i32)
    (param $addrs i32) (param $addrsLen i32) (param $l4 i32) (param $init i32) (result i32)
    (local $lanes v128) (local $data v128) (local $end i32) (local $wide i64)
    (local.set $wide (i64.add (call $words (local.get $addrs) (local.get $addrsLen))
      (call $words (local.get $l4) (i32.sub (local.get $pay) (local.get $l4)))))
    (local.set $end (i32.add (local.get $src) (local.get $hdrLen)))
    (loop $header
      (v128.store align=1 (local.get $hdrDst) (v128.load align=1 (local.get $src)))
      (local.set $hdrDst (i32.add (local.get $hdrDst) (i32.const 16)))
      (local.set $src (i32.add (local.get $src) (i32.const 16)))
      (br_if $header (i32.lt_u (local.get $src) (local.get $end))))
    (local.set $wide (i64.add (i64.and (local.get $wide) (i64.const 0xffff))
                              (i64.shr_u (local.get $wide) (i64.const 16))))
    (local.set $wide (i64.add (i64.and (local.get $wide) (i64.const 0xffff))
                              (i64.shr_u (local.get $wide) (i64.const 16))))
    (local.set $init (i32.add (local.get $init) (i32.wrap_i64 (local.get $wide))))
    ;; A long payload is copied in one go and added up from where it then lies in the cache.
    (if (i32.ge_u (local.get $payLen) (i32.const 256))
      (then
        (memory.copy (local.get $payDst) (local.get $pay) (local.get $payLen))
        (return (call $sum (local.get $payDst) (local.get $payLen) (local.get $init)))))
    (block $done
      (loop $wide
        (br_if $done (i32.lt_u (local.get $payLen) (i32.const 32)))
        (local.set $data (v128.load align=1 (local.get $pay)))
        (v128.store align=1 (local.get $payDst) (local.get $data))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (local.get $data))))
        (local.set $data (v128.load offset=16 align=1 (local.get $pay)))
        (v128.store offset=16 align=1 (local.get $payDst) (local.get $data))
        (local.set $lanes (i32x4.add (local.get $lanes)
          (i32x4.extadd_pairwise_i16x8_u (local.get $data))))
        (local.set $pay (i32.add (local.get $pay) (i32.const 32)))
        (local.set $payDst (i32.add (local.get $payDst) (i32.const 32)))
        (local.set $payLen (i32.sub (local.get $payLen) (i32.const 32)))
        (br $wide)))
    (block $words
      (loop $pairs
        (br_if $words (i32.lt_u (local.get $payLen) (i32.const 2)))
        (i32.store16 align=1 (local.get $payDst) (i32.load16_u align=1 (local.get $pay)))
        (local.set $init (i32.add (local.get $init) (i32.load16_u align=1 (local.get $pay))))
        (local.set $pay (i32.add (local.get $pay) (i32.const 2)))
        (local.set $payDst (i32.add (local.get $payDst) (i32.const 2)))
        (local.set $payLen (i32.sub (local.get $payLen) (i32.const 2)))
        (br $pairs)))
    (if (local.get $payLen)
      (then
        (i32.store8 (local.get $payDst) (i32.load8_u (local.get $pay)))
        (local.set $init (i32.add (local.get $init) (i32.load8_u (local.get $pay))))))
    (call $fold (local.get $lanes) (local.get $init)))
)
