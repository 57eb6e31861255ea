(module
  (type (;0;) (func (param i32 i32 i32 i32 i32 i32 i32)))
  (type (;1;) (func (param i32 i32 i32 i32 i32)))
  (import "session" "memory" (memory (;0;) 1 65536 shared))
  (export "run" (func 0))
  (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32 i32)
    (local i32 i32 i32 i32 i32 i32 v128 v128 v128 v128 v128 v128 i32 i32 i32 v128 v128 v128 i32)
    i32.const 0
    i32.atomic.load offset=96
    if ;; label = @1
      unreachable
    end
    local.get 0
    i32.const 144
    i32.add
    i32.const 0
    i32.const 256
    memory.fill
    i32.const 0
    local.set 7
    loop ;; label = @1
      local.get 7
      i32.const 2
      i32.shl
      local.set 8
      block ;; label = @2
        i32.const 0
        local.get 8
        i32.const 4
        i32.mul
        i32.add
        v128.load offset=65728 align=4
        local.set 22
        i32.const 0
        local.get 8
        i32.const 4
        i32.mul
        i32.add
        v128.load offset=65728 align=4
        local.set 23
        local.get 22
        local.get 23
        f32x4.mul
        local.set 24
        local.get 0
        local.get 8
        i32.const 4
        i32.mul
        i32.add
        local.get 24
        v128.store offset=144 align=4
      end
      local.get 7
      i32.const 1
      i32.add
      local.tee 7
      i32.const 16
      i32.lt_u
      br_if 0 (;@1;)
    end
    i32.const 0
    local.set 7
    loop ;; label = @1
      local.get 7
      i32.const 2
      i32.shl
      local.set 8
      block ;; label = @2
        i32.const 63
        local.get 8
        i32.sub
        local.set 25
        local.get 25
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        i32.const 0
        v128.load offset=144 align=4
        i32x4.min_u
        i32.const 2
        i32x4.shl
        local.set 24
        local.get 24
        i32x4.extract_lane 0
        local.get 0
        i32.add
        v128.load32_zero offset=144
        local.set 23
        local.get 24
        i32x4.extract_lane 1
        local.get 0
        i32.add
        local.get 23
        v128.load32_lane offset=144 1
        local.set 23
        local.get 24
        i32x4.extract_lane 2
        local.get 0
        i32.add
        local.get 23
        v128.load32_lane offset=144 2
        local.set 23
        local.get 24
        i32x4.extract_lane 3
        local.get 0
        i32.add
        local.get 23
        v128.load32_lane offset=144 3
        local.set 23
        local.get 25
        i32x4.splat
        i32.const 0
        v128.load offset=128 align=4
        i32x4.add
        i32.const 0
        v128.load offset=160 align=4
        i32x4.lt_u
        local.set 24
        local.get 23
        local.get 24
        v128.and
        local.set 22
        local.get 22
        i32.const 0
        v128.load offset=176 align=4
        local.get 22
        local.get 22
        f32x4.eq
        v128.bitselect
        local.set 23
        i32.const 0
        local.get 8
        i32.const 4
        i32.mul
        i32.add
        local.get 23
        v128.store offset=69888 align=4
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
