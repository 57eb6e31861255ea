(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (import "session" "watch" (func (;0;) (type 1)))
  (export "run" (func 1))
  (func (;1;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 i32 i32 v128 v128 f32 v128 v128)
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
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        local.set 24
        i32.const 0
        i32.const 3
        local.get 8
        i32.const 0
        i32.add
        local.get 24
        i32x4.extract_lane 0
        i32.const 1024
        call 0
        i32.const 0
        i32.const 3
        local.get 8
        i32.const 1
        i32.add
        local.get 24
        i32x4.extract_lane 1
        i32.const 1024
        call 0
        i32.const 0
        i32.const 3
        local.get 8
        i32.const 2
        i32.add
        local.get 24
        i32x4.extract_lane 2
        i32.const 1024
        call 0
        i32.const 0
        i32.const 3
        local.get 8
        i32.const 3
        i32.add
        local.get 24
        i32x4.extract_lane 3
        i32.const 1024
        call 0
        local.get 23
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        i32.const 0
        v128.load offset=144 align=4
        i32x4.min_u
        i32.const 2
        i32x4.shl
        local.set 25
        i32.const 0
        i32.const 4
        local.get 8
        i32.const 0
        i32.add
        local.get 25
        i32x4.extract_lane 0
        i32.const 65728
        i32.add
        i32.const 1
        call 0
        i32.const 0
        i32.const 4
        local.get 8
        i32.const 1
        i32.add
        local.get 25
        i32x4.extract_lane 1
        i32.const 65728
        i32.add
        i32.const 1
        call 0
        i32.const 0
        i32.const 4
        local.get 8
        i32.const 2
        i32.add
        local.get 25
        i32x4.extract_lane 2
        i32.const 65728
        i32.add
        i32.const 1
        call 0
        i32.const 0
        i32.const 4
        local.get 8
        i32.const 3
        i32.add
        local.get 25
        i32x4.extract_lane 3
        i32.const 65728
        i32.add
        i32.const 1
        call 0
        local.get 23
        i32.const 1021
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 23
          i32.const 4
          i32.mul
          i32.add
          v128.load offset=65728 align=4
          local.set 25
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=160 align=4
          i32x4.min_u
          i32.const 2
          i32x4.shl
          local.set 24
          local.get 24
          i32x4.extract_lane 0
          v128.load32_zero offset=65728
          local.set 25
          local.get 24
          i32x4.extract_lane 1
          local.get 25
          v128.load32_lane offset=65728 1
          local.set 25
          local.get 24
          i32x4.extract_lane 2
          local.get 25
          v128.load32_lane offset=65728 2
          local.set 25
          local.get 24
          i32x4.extract_lane 3
          local.get 25
          v128.load32_lane offset=65728 3
          local.set 25
        end
        v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
        local.set 24
        i32.const 1
        i32.const 4
        local.get 8
        i32.const 0
        i32.add
        local.get 24
        i32x4.extract_lane 0
        i32.const 69728
        i32.add
        i32.const 1
        call 0
        i32.const 1
        i32.const 4
        local.get 8
        i32.const 1
        i32.add
        local.get 24
        i32x4.extract_lane 1
        i32.const 69728
        i32.add
        i32.const 1
        call 0
        i32.const 1
        i32.const 4
        local.get 8
        i32.const 2
        i32.add
        local.get 24
        i32x4.extract_lane 2
        i32.const 69728
        i32.add
        i32.const 1
        call 0
        i32.const 1
        i32.const 4
        local.get 8
        i32.const 3
        i32.add
        local.get 24
        i32x4.extract_lane 3
        i32.const 69728
        i32.add
        i32.const 1
        call 0
        i32.const 0
        local.set 19
        local.get 19
        f32.load offset=69728
        local.set 26
        local.get 25
        local.get 26
        f32x4.splat
        f32x4.div
        local.set 24
        local.get 24
        local.set 25
        i32.const 2
        i32.const 0
        local.get 8
        i32.const 0
        i32.add
        local.get 25
        i32x4.extract_lane 0
        i32.const 1
        call 0
        i32.const 2
        i32.const 0
        local.get 8
        i32.const 1
        i32.add
        local.get 25
        i32x4.extract_lane 1
        i32.const 1
        call 0
        i32.const 2
        i32.const 0
        local.get 8
        i32.const 2
        i32.add
        local.get 25
        i32x4.extract_lane 2
        i32.const 1
        call 0
        i32.const 2
        i32.const 0
        local.get 8
        i32.const 3
        i32.add
        local.get 25
        i32x4.extract_lane 3
        i32.const 1
        call 0
        local.get 24
        local.set 25
        i32.const 3
        i32.const 2
        local.get 8
        i32.const 0
        i32.add
        local.get 25
        i32x4.extract_lane 0
        i32.const 0
        call 0
        i32.const 3
        i32.const 2
        local.get 8
        i32.const 1
        i32.add
        local.get 25
        i32x4.extract_lane 1
        i32.const 0
        call 0
        i32.const 3
        i32.const 2
        local.get 8
        i32.const 2
        i32.add
        local.get 25
        i32x4.extract_lane 2
        i32.const 0
        call 0
        i32.const 3
        i32.const 2
        local.get 8
        i32.const 3
        i32.add
        local.get 25
        i32x4.extract_lane 3
        i32.const 0
        call 0
        local.get 23
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        local.set 25
        i32.const 4
        i32.const 3
        local.get 8
        i32.const 0
        i32.add
        local.get 25
        i32x4.extract_lane 0
        i32.const 1024
        call 0
        i32.const 4
        i32.const 3
        local.get 8
        i32.const 1
        i32.add
        local.get 25
        i32x4.extract_lane 1
        i32.const 1024
        call 0
        i32.const 4
        i32.const 3
        local.get 8
        i32.const 2
        i32.add
        local.get 25
        i32x4.extract_lane 2
        i32.const 1024
        call 0
        i32.const 4
        i32.const 3
        local.get 8
        i32.const 3
        i32.add
        local.get 25
        i32x4.extract_lane 3
        i32.const 1024
        call 0
        local.get 23
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        i32.const 0
        v128.load offset=144 align=4
        i32x4.min_u
        i32.const 2
        i32x4.shl
        local.set 27
        i32.const 4
        i32.const 5
        local.get 8
        i32.const 0
        i32.add
        local.get 27
        i32x4.extract_lane 0
        i32.const 69888
        i32.add
        i32.const 1
        call 0
        i32.const 4
        i32.const 5
        local.get 8
        i32.const 1
        i32.add
        local.get 27
        i32x4.extract_lane 1
        i32.const 69888
        i32.add
        i32.const 1
        call 0
        i32.const 4
        i32.const 5
        local.get 8
        i32.const 2
        i32.add
        local.get 27
        i32x4.extract_lane 2
        i32.const 69888
        i32.add
        i32.const 1
        call 0
        i32.const 4
        i32.const 5
        local.get 8
        i32.const 3
        i32.add
        local.get 27
        i32x4.extract_lane 3
        i32.const 69888
        i32.add
        i32.const 1
        call 0
        local.get 24
        i32.const 0
        v128.load offset=176 align=4
        f32x4.pmin
        local.set 27
        local.get 27
        i32x4.trunc_sat_f32x4_u
        local.set 24
        local.get 23
        i32.const 1020
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 23
          i32.const 4
          i32.mul
          i32.add
          local.get 24
          v128.store offset=69888 align=4
        else
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=144 align=4
          i32x4.min_u
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32x4.eq
          local.set 27
          local.get 23
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=144 align=4
          i32x4.min_u
          i32.const 2
          i32x4.shl
          local.set 25
          local.get 24
          local.set 28
          local.get 0
          local.get 28
          v128.store align=4
          local.get 0
          local.get 25
          v128.store offset=16 align=4
          local.get 27
          i32x4.extract_lane 0
          if ;; label = @4
            local.get 0
            i32.load offset=16
            local.get 0
            i32.load
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 1
          if ;; label = @4
            local.get 0
            i32.load offset=20
            local.get 0
            i32.load offset=4
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 2
          if ;; label = @4
            local.get 0
            i32.load offset=24
            local.get 0
            i32.load offset=8
            i32.store offset=69888
          end
          local.get 27
          i32x4.extract_lane 3
          if ;; label = @4
            local.get 0
            i32.load offset=28
            local.get 0
            i32.load offset=12
            i32.store offset=69888
          end
        end
      end
    end
  )
)
