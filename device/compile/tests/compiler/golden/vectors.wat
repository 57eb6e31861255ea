(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (export "run" (func 0))
  (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
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
        i32.const 32
        i32.mul
        local.set 22
        local.get 22
        local.get 8
        i32.add
        local.set 23
        local.get 23
        i32.const 253
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 23
          i32.const 16
          i32.mul
          i32.add
          local.set 19
          local.get 19
          v128.load offset=65728 align=4
          local.set 13
          local.get 19
          v128.load offset=65744 align=4
          local.set 14
          local.get 19
          v128.load offset=65760 align=4
          local.set 15
          local.get 19
          v128.load offset=65776 align=4
          local.set 16
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 17
          local.get 15
          local.get 16
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 18
          local.get 17
          local.get 18
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 24
          local.get 17
          local.get 18
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 25
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 17
          local.get 15
          local.get 16
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 18
          local.get 17
          local.get 18
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 26
          local.get 17
          local.get 18
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 27
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=144 align=4
          i32x4.min_u
          i32.const 4
          i32x4.shl
          local.set 28
          local.get 28
          i32x4.extract_lane 0
          v128.load offset=65728 align=4
          local.set 13
          local.get 28
          i32x4.extract_lane 1
          v128.load offset=65728 align=4
          local.set 14
          local.get 28
          i32x4.extract_lane 2
          v128.load offset=65728 align=4
          local.set 15
          local.get 28
          i32x4.extract_lane 3
          v128.load offset=65728 align=4
          local.set 16
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 17
          local.get 15
          local.get 16
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 18
          local.get 17
          local.get 18
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 24
          local.get 17
          local.get 18
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 25
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 17
          local.get 15
          local.get 16
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 18
          local.get 17
          local.get 18
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 26
          local.get 17
          local.get 18
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 27
        end
        local.get 27
        i32.const 0
        v128.load offset=144 align=4
        i32x4.min_u
        i32.const 4
        i32x4.shl
        local.set 28
        local.get 28
        i32x4.extract_lane 0
        v128.load offset=65728 align=4
        local.set 13
        local.get 28
        i32x4.extract_lane 1
        v128.load offset=65728 align=4
        local.set 14
        local.get 28
        i32x4.extract_lane 2
        v128.load offset=65728 align=4
        local.set 15
        local.get 28
        i32x4.extract_lane 3
        v128.load offset=65728 align=4
        local.set 16
        local.get 13
        local.get 14
        i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
        local.set 17
        local.get 15
        local.get 16
        i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
        local.set 18
        local.get 17
        local.get 18
        i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
        local.set 29
        local.get 17
        local.get 18
        i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
        local.set 30
        local.get 13
        local.get 14
        i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
        local.set 17
        local.get 15
        local.get 16
        i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
        local.set 18
        local.get 17
        local.get 18
        i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
        local.set 31
        local.get 17
        local.get 18
        i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
        local.set 32
        local.get 24
        local.get 29
        f32x4.sub
        local.set 32
        local.get 32
        local.get 32
        f32x4.mul
        local.set 29
        local.get 26
        local.get 31
        f32x4.sub
        local.set 24
        local.get 25
        local.get 30
        f32x4.sub
        local.set 31
        local.get 24
        local.get 31
        f32x4.mul
        local.set 30
        local.get 29
        local.get 30
        f32x4.add
        local.set 25
        local.get 31
        local.get 24
        f32x4.mul
        local.set 30
        local.get 25
        local.get 30
        f32x4.add
        local.set 26
        local.get 31
        local.get 32
        f32x4.mul
        local.set 30
        local.get 32
        local.get 31
        f32x4.mul
        local.set 25
        local.get 30
        local.get 25
        f32x4.add
        local.set 27
        local.get 24
        local.get 24
        f32x4.mul
        local.set 25
        local.get 27
        local.get 25
        f32x4.add
        local.set 30
        local.get 24
        local.get 32
        f32x4.mul
        local.set 27
        local.get 31
        local.get 31
        f32x4.mul
        local.set 28
        local.get 27
        local.get 28
        f32x4.add
        local.set 31
        local.get 32
        local.get 24
        f32x4.mul
        local.set 27
        local.get 31
        local.get 27
        f32x4.add
        local.set 24
        local.get 29
        local.get 28
        f32x4.add
        local.set 27
        local.get 27
        local.get 25
        f32x4.add
        local.set 28
        local.get 23
        i32.const 252
        i32.le_u
        if ;; label = @3
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=160 align=4
          i32x4.min_u
          i32.const 4
          i32x4.shl
          local.set 27
          local.get 26
          i32.const 0
          v128.load offset=176 align=4
          local.get 26
          local.get 26
          f32x4.eq
          v128.bitselect
          local.set 25
          local.get 30
          i32.const 0
          v128.load offset=176 align=4
          local.get 30
          local.get 30
          f32x4.eq
          v128.bitselect
          local.set 29
          local.get 24
          i32.const 0
          v128.load offset=176 align=4
          local.get 24
          local.get 24
          f32x4.eq
          v128.bitselect
          local.set 31
          local.get 28
          i32.const 0
          v128.load offset=176 align=4
          local.get 28
          local.get 28
          f32x4.eq
          v128.bitselect
          local.set 32
          local.get 25
          local.get 29
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 13
          local.get 31
          local.get 32
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 33
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 34
          local.get 25
          local.get 29
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 13
          local.get 31
          local.get 32
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 35
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 36
          local.get 27
          i32x4.extract_lane 0
          local.get 33
          v128.store offset=69888 align=4
          local.get 27
          i32x4.extract_lane 1
          local.get 34
          v128.store offset=69888 align=4
          local.get 27
          i32x4.extract_lane 2
          local.get 35
          v128.store offset=69888 align=4
          local.get 27
          i32x4.extract_lane 3
          local.get 36
          v128.store offset=69888 align=4
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=160 align=4
          i32x4.min_u
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32x4.eq
          local.set 37
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=160 align=4
          i32x4.min_u
          i32.const 4
          i32x4.shl
          local.set 38
          local.get 26
          i32.const 0
          v128.load offset=176 align=4
          local.get 26
          local.get 26
          f32x4.eq
          v128.bitselect
          local.set 39
          local.get 30
          i32.const 0
          v128.load offset=176 align=4
          local.get 30
          local.get 30
          f32x4.eq
          v128.bitselect
          local.set 40
          local.get 24
          i32.const 0
          v128.load offset=176 align=4
          local.get 24
          local.get 24
          f32x4.eq
          v128.bitselect
          local.set 41
          local.get 28
          i32.const 0
          v128.load offset=176 align=4
          local.get 28
          local.get 28
          f32x4.eq
          v128.bitselect
          local.set 42
          local.get 39
          local.get 40
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 13
          local.get 41
          local.get 42
          i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 43
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 44
          local.get 39
          local.get 40
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 13
          local.get 41
          local.get 42
          i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31
          local.set 14
          local.get 13
          local.get 14
          i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          local.set 45
          local.get 13
          local.get 14
          i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          local.set 46
          local.get 0
          local.get 43
          v128.store align=4
          local.get 0
          local.get 44
          v128.store offset=16 align=4
          local.get 0
          local.get 45
          v128.store offset=32 align=4
          local.get 0
          local.get 46
          v128.store offset=48 align=4
          local.get 0
          local.get 38
          v128.store offset=64 align=4
          local.get 37
          i32x4.extract_lane 0
          if ;; label = @4
            local.get 0
            i32.load offset=64
            local.get 0
            v128.load align=4
            v128.store offset=69888 align=4
          end
          local.get 37
          i32x4.extract_lane 1
          if ;; label = @4
            local.get 0
            i32.load offset=68
            local.get 0
            v128.load offset=16 align=4
            v128.store offset=69888 align=4
          end
          local.get 37
          i32x4.extract_lane 2
          if ;; label = @4
            local.get 0
            i32.load offset=72
            local.get 0
            v128.load offset=32 align=4
            v128.store offset=69888 align=4
          end
          local.get 37
          i32x4.extract_lane 3
          if ;; label = @4
            local.get 0
            i32.load offset=76
            local.get 0
            v128.load offset=48 align=4
            v128.store offset=69888 align=4
          end
        end
      end
      local.get 7
      i32.const 1
      i32.add
      local.tee 7
      i32.const 8
      i32.lt_u
      br_if 0 (;@1;)
    end
  )
)
