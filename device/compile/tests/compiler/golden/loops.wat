(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (export "run" (func 0))
  (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 v128 i32 i32 i32 i32 i32 v128 v128 v128)
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
        v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
        local.set 22
        v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
        local.set 22
        i32.const 0
        local.set 23
        i32.const 0
        local.set 24
        local.get 1
        i32.const 64
        i32.mul
        local.set 25
        local.get 25
        local.get 8
        i32.add
        local.set 26
        block ;; label = @3
          loop ;; label = @4
            i32.const 0
            i32.atomic.load offset=96
            if ;; label = @5
              unreachable
            end
            block ;; label = @5
              local.get 23
              local.set 25
              local.get 25
              i32.const 16
              i32.lt_u
              local.set 27
              local.get 27
              i32.eqz
              if ;; label = @6
                br 3 (;@3;)
              end
              local.get 23
              local.set 27
              i32.const 0
              local.get 27
              i32.const 1024
              local.get 27
              i32.const 1024
              i32.lt_u
              select
              i32.const 4
              i32.mul
              i32.add
              local.set 19
              local.get 19
              i32.load offset=65728
              local.set 25
              local.get 22
              local.set 28
              local.get 25
              i32x4.splat
              local.get 26
              i32x4.splat
              i32.const 0
              v128.load offset=128 align=4
              i32x4.add
              i32x4.mul
              local.set 29
              local.get 28
              local.get 29
              i32x4.add
              local.set 30
              local.get 30
              local.set 22
            end
            local.get 23
            local.set 25
            local.get 25
            i32.const 1
            i32.add
            local.set 27
            local.get 27
            local.set 23
            br 0 (;@4;)
          end
        end
        v128.const i32x4 0xffffffff 0xffffffff 0xffffffff 0xffffffff
        local.set 30
        block ;; label = @3
          loop ;; label = @4
            i32.const 0
            i32.atomic.load offset=96
            if ;; label = @5
              unreachable
            end
            block ;; label = @5
              local.get 26
              i32.const 1021
              i32.le_u
              if ;; label = @6
                i32.const 0
                local.get 26
                i32.const 4
                i32.mul
                i32.add
                v128.load offset=65728 align=4
                local.set 29
              else
                local.get 26
                i32x4.splat
                i32.const 0
                v128.load offset=128 align=4
                i32x4.add
                i32.const 0
                v128.load offset=144 align=4
                i32x4.min_u
                i32.const 2
                i32x4.shl
                local.set 28
                local.get 28
                i32x4.extract_lane 0
                v128.load32_zero offset=65728
                local.set 29
                local.get 28
                i32x4.extract_lane 1
                local.get 29
                v128.load32_lane offset=65728 1
                local.set 29
                local.get 28
                i32x4.extract_lane 2
                local.get 29
                v128.load32_lane offset=65728 2
                local.set 29
                local.get 28
                i32x4.extract_lane 3
                local.get 29
                v128.load32_lane offset=65728 3
                local.set 29
              end
              local.get 24
              local.set 23
              local.get 23
              i32x4.splat
              local.get 29
              i32x4.lt_u
              local.set 28
              local.get 30
              local.get 28
              v128.and
              local.set 30
              local.get 30
              v128.any_true
              i32.eqz
              br_if 0 (;@5;)
              local.get 24
              local.set 23
              local.get 23
              i32.const 3
              i32.and
              local.set 27
              local.get 27
              i32.const 1
              i32.eq
              local.set 23
              local.get 23
              if ;; label = @6
                br 1 (;@5;)
              end
              local.get 22
              local.set 28
              i32.const 0
              v128.load offset=160 align=4
              local.get 28
              i32x4.lt_u
              local.set 29
              local.get 30
              local.get 29
              v128.andnot
              local.set 30
              local.get 30
              i32x4.bitmask
              local.tee 19
              i32.const 15
              i32.eq
              if ;; label = @6
                local.get 22
                local.set 29
                local.get 24
                local.set 23
                local.get 29
                local.get 23
                i32x4.splat
                i32x4.add
                local.set 28
                local.get 28
                local.set 22
              else
                local.get 19
                i32.eqz
                br_if 1 (;@5;)
                local.get 22
                local.set 28
                local.get 24
                local.set 23
                local.get 28
                local.get 23
                i32x4.splat
                i32x4.add
                local.set 29
                local.get 29
                local.get 22
                local.get 30
                v128.bitselect
                local.set 22
              end
            end
            local.get 30
            v128.any_true
            i32.eqz
            br_if 1 (;@3;)
            local.get 24
            local.set 23
            local.get 23
            i32.const 1
            i32.add
            local.set 27
            local.get 27
            local.set 24
            br 0 (;@4;)
          end
        end
        local.get 22
        local.set 30
        local.get 26
        i32.const 1020
        i32.le_u
        if ;; label = @3
          i32.const 0
          local.get 26
          i32.const 4
          i32.mul
          i32.add
          local.get 30
          v128.store offset=69888 align=4
        else
          local.get 26
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=176 align=4
          i32x4.min_u
          local.get 26
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32x4.eq
          local.set 22
          local.get 26
          i32x4.splat
          i32.const 0
          v128.load offset=128 align=4
          i32x4.add
          i32.const 0
          v128.load offset=176 align=4
          i32x4.min_u
          i32.const 2
          i32x4.shl
          local.set 29
          local.get 30
          local.set 28
          local.get 0
          local.get 28
          v128.store align=4
          local.get 0
          local.get 29
          v128.store offset=16 align=4
          local.get 22
          i32x4.extract_lane 0
          if ;; label = @4
            local.get 0
            i32.load offset=16
            local.get 0
            i32.load
            i32.store offset=69888
          end
          local.get 22
          i32x4.extract_lane 1
          if ;; label = @4
            local.get 0
            i32.load offset=20
            local.get 0
            i32.load offset=4
            i32.store offset=69888
          end
          local.get 22
          i32x4.extract_lane 2
          if ;; label = @4
            local.get 0
            i32.load offset=24
            local.get 0
            i32.load offset=8
            i32.store offset=69888
          end
          local.get 22
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
      local.get 7
      i32.const 1
      i32.add
      local.tee 7
      i32.const 16
      i32.lt_u
      br_if 0 (;@1;)
    end
  )
)
