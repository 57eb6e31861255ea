(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (export "run" (func 0))
  (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    i32.const 0
    i32.atomic.load offset=96
    if ;; label = @1
      unreachable
    end
    i32.const 0
    local.set 7
    loop ;; label = @1
      local.get 7
      i32.const 2
      i32.shl
      local.set 8
      block ;; label = @2
        local.get 1
        i32.const 4
        i32.mul
        local.set 22
        local.get 22
        local.get 8
        i32.add
        local.set 23
        local.get 23
        i32.const 509
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 23
          i32.const 8
          i32.mul
          i32.add
          local.set 19
          local.get 19
          v128.load offset=65728 align=4
          local.set 13
          local.get 19
          v128.load offset=65744 align=4
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
          local.set 24
          local.get 13
          local.get 14
          i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
          local.set 25
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=144 align=4
          i32x4.min_u
          i32.const 3
          i32x4.shl
          local.set 26
          local.get 26
          i32x4.extract_lane 0
          v128.load64_zero offset=65728 align=4
          local.set 13
          local.get 26
          i32x4.extract_lane 1
          local.get 13
          v128.load64_lane offset=65728 align=4 1
          local.set 13
          local.get 26
          i32x4.extract_lane 2
          v128.load64_zero offset=65728 align=4
          local.set 14
          local.get 26
          i32x4.extract_lane 3
          local.get 14
          v128.load64_lane offset=65728 align=4 1
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
          local.set 24
          local.get 13
          local.get 14
          i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31
          local.set 25
        end
        i32.const 0
        v128.load offset=160 align=4
        local.get 24
        i32x4.lt_u
        local.set 26
        local.get 24
        i32.const 7
        i32x4.shr_u
        local.set 27
        local.get 24
        local.get 27
        v128.xor
        local.set 28
        local.get 28
        local.set 27
        local.get 24
        i32.const 20
        i32x4.shl
        local.set 28
        local.get 28
        i32.const 23
        i32x4.shr_u
        local.set 24
        local.get 24
        f32x4.convert_i32x4_u
        local.set 28
        local.get 27
        local.get 28
        local.get 26
        v128.bitselect
        local.set 24
        i32.const 0
        v128.load offset=160 align=4
        local.get 25
        i32x4.lt_u
        local.set 26
        local.get 25
        i32.const 7
        i32x4.shr_u
        local.set 27
        local.get 25
        local.get 27
        v128.xor
        local.set 28
        local.get 28
        local.set 27
        local.get 25
        i32.const 1
        i32x4.shr_u
        local.set 28
        local.get 28
        i32.const 0
        v128.load offset=176 align=4
        v128.and
        local.set 29
        local.get 25
        i32.const 0
        v128.load offset=176 align=4
        v128.and
        local.set 28
        local.get 28
        i32.const 1
        i32x4.shl
        local.set 25
        local.get 29
        local.get 25
        v128.or
        local.set 28
        local.get 28
        i32.const 2
        i32x4.shr_u
        local.set 25
        local.get 25
        i32.const 0
        v128.load offset=192 align=4
        v128.and
        local.set 29
        local.get 28
        i32.const 0
        v128.load offset=192 align=4
        v128.and
        local.set 25
        local.get 25
        i32.const 2
        i32x4.shl
        local.set 28
        local.get 29
        local.get 28
        v128.or
        local.set 25
        local.get 25
        i32.const 4
        i32x4.shr_u
        local.set 28
        local.get 28
        i32.const 0
        v128.load offset=208 align=4
        v128.and
        local.set 29
        local.get 25
        i32.const 0
        v128.load offset=208 align=4
        v128.and
        local.set 28
        local.get 28
        i32.const 4
        i32x4.shl
        local.set 25
        local.get 29
        local.get 25
        v128.or
        local.set 28
        local.get 28
        i32.const 8
        i32x4.shr_u
        local.set 25
        local.get 25
        i32.const 0
        v128.load offset=224 align=4
        v128.and
        local.set 29
        local.get 28
        i32.const 0
        v128.load offset=224 align=4
        v128.and
        local.set 25
        local.get 25
        i32.const 8
        i32x4.shl
        local.set 28
        local.get 29
        local.get 28
        v128.or
        local.set 25
        local.get 25
        i32.const 16
        i32x4.shr_u
        local.set 28
        local.get 25
        i32.const 16
        i32x4.shl
        local.set 29
        local.get 28
        local.get 29
        v128.or
        local.set 25
        local.get 25
        f32x4.convert_i32x4_s
        local.set 29
        local.get 27
        local.get 29
        local.get 26
        v128.bitselect
        local.set 25
        local.get 23
        i32.const 508
        i32.le_u
        if ;; label = @3
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=240 align=4
          i32x4.min_u
          i32.const 3
          i32x4.shl
          local.set 26
          local.get 24
          local.set 27
          local.get 25
          local.set 29
          local.get 26
          i32x4.extract_lane 0
          local.get 27
          v128.store32_lane offset=69888 0
          local.get 26
          i32x4.extract_lane 0
          local.get 29
          v128.store32_lane offset=69892 0
          local.get 26
          i32x4.extract_lane 1
          local.get 27
          v128.store32_lane offset=69888 1
          local.get 26
          i32x4.extract_lane 1
          local.get 29
          v128.store32_lane offset=69892 1
          local.get 26
          i32x4.extract_lane 2
          local.get 27
          v128.store32_lane offset=69888 2
          local.get 26
          i32x4.extract_lane 2
          local.get 29
          v128.store32_lane offset=69892 2
          local.get 26
          i32x4.extract_lane 3
          local.get 27
          v128.store32_lane offset=69888 3
          local.get 26
          i32x4.extract_lane 3
          local.get 29
          v128.store32_lane offset=69892 3
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=240 align=4
          i32x4.min_u
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32x4.eq
          local.set 28
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=240 align=4
          i32x4.min_u
          i32.const 3
          i32x4.shl
          local.set 30
          local.get 24
          local.set 31
          local.get 25
          local.set 32
          local.get 0
          local.get 31
          v128.store align=4
          local.get 0
          local.get 32
          v128.store offset=16 align=4
          local.get 0
          local.get 30
          v128.store offset=32 align=4
          local.get 28
          i32x4.extract_lane 0
          if ;; label = @4
            local.get 0
            i32.load offset=32
            local.get 0
            i32.load
            i32.store offset=69888
            local.get 0
            i32.load offset=32
            local.get 0
            i32.load offset=16
            i32.store offset=69892
          end
          local.get 28
          i32x4.extract_lane 1
          if ;; label = @4
            local.get 0
            i32.load offset=36
            local.get 0
            i32.load offset=4
            i32.store offset=69888
            local.get 0
            i32.load offset=36
            local.get 0
            i32.load offset=20
            i32.store offset=69892
          end
          local.get 28
          i32x4.extract_lane 2
          if ;; label = @4
            local.get 0
            i32.load offset=40
            local.get 0
            i32.load offset=8
            i32.store offset=69888
            local.get 0
            i32.load offset=40
            local.get 0
            i32.load offset=24
            i32.store offset=69892
          end
          local.get 28
          i32x4.extract_lane 3
          if ;; label = @4
            local.get 0
            i32.load offset=44
            local.get 0
            i32.load offset=12
            i32.store offset=69888
            local.get 0
            i32.load offset=44
            local.get 0
            i32.load offset=28
            i32.store offset=69892
          end
        end
      end
    end
  )
)
